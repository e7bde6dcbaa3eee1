-- An owner may have a ticket without holding it; and the minutes of work on it.

ALTER TABLE ticket ADD COLUMN unlocked BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE ticket ADD COLUMN accounted BIGINT NOT NULL DEFAULT 0;
