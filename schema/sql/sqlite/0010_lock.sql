-- An owner may have a ticket without holding it; and the minutes of work on it.

ALTER TABLE ticket ADD COLUMN unlocked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ticket ADD COLUMN accounted INTEGER NOT NULL DEFAULT 0;
