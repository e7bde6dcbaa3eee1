-- Mutexes of the whole site: a row is one that somebody holds. `rev` counts those who have come to wait for it since, so
-- that nobody gives it away without having seen them.
CREATE TABLE mutex (
  name TEXT NOT NULL,
  key TEXT NOT NULL,
  ticket_id INTEGER NOT NULL,
  rev INTEGER NOT NULL,
  PRIMARY KEY (name, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE mutex_wait (
  ticket_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  name TEXT NOT NULL,
  key TEXT NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (ticket_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX mutex_wait_first ON mutex_wait (name, key, since, ticket_id);

-- Who was given work last, by activity.
CREATE TABLE turn (
  place TEXT NOT NULL PRIMARY KEY,
  login TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX work_claimed ON work (claimed_by) WHERE claimed_by IS NOT NULL;
