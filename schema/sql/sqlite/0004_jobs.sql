-- Jobs: until when each schedule was looked at, their runs, and what the batch under way has done.

DROP TABLE tick;
DROP TABLE job_run;

CREATE TABLE job (
  name TEXT PRIMARY KEY,
  schedule TEXT NOT NULL,
  seen INTEGER NOT NULL           -- times up to here are dealt with
) STRICT, WITHOUT ROWID;

CREATE TABLE job_run (
  id INTEGER PRIMARY KEY,
  job TEXT NOT NULL,
  tick INTEGER,                   -- the time of its schedule; null by hand
  started INTEGER NOT NULL,
  ended INTEGER,
  by TEXT NOT NULL,
  cursor INTEGER NOT NULL,        -- tickets up to here are done
  summary TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX job_run_tick ON job_run (job, tick) WHERE tick IS NOT NULL;
CREATE INDEX job_run_open ON job_run (id) WHERE ended IS NULL;

CREATE TABLE job_done (
  run INTEGER NOT NULL,
  ticket_id INTEGER NOT NULL,     -- behind the cursor, and done
  PRIMARY KEY (run, ticket_id)
) STRICT, WITHOUT ROWID;
