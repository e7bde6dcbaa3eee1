-- Content that was removed for good: who, when and why, as JSON.
ALTER TABLE article ADD COLUMN erased TEXT;
