-- Signed checkpoints over the heads of the history, and backups that were made.

CREATE TABLE checkpoint (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  up_to INTEGER NOT NULL,        -- the last row of the history that it covers
  leaves BLOB NOT NULL,          -- (ticket, version, hash) of every head, as they are hashed
  root BLOB NOT NULL,
  previous BLOB NOT NULL,        -- digest of the checkpoint before it
  key BLOB NOT NULL,             -- the public half of what it is signed with
  signature BLOB NOT NULL
) STRICT;

CREATE TABLE backup (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  file TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  history INTEGER NOT NULL,      -- rows of the history in it
  verified INTEGER NOT NULL
) STRICT;
