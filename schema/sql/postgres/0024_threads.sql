-- Threads of mail that began elsewhere, copies of one mail for several accounts, and messages to closed tickets.

-- The Message-ID with which the mail's thread began; its own where it began the thread.
ALTER TABLE inbox ADD COLUMN thread TEXT NOT NULL DEFAULT '';
CREATE INDEX inbox_thread ON inbox (thread) WHERE ticket_id IS NOT NULL AND thread <> '';

-- A customer wrote it to a closed ticket whose queue takes no follow-ups.
ALTER TABLE article ADD COLUMN rejected BOOLEAN NOT NULL DEFAULT FALSE;
