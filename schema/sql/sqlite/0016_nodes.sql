-- Failed attempts to sign in. (What several nodes share has its tables in PostgreSQL only.)

CREATE TABLE attempt (
  key TEXT PRIMARY KEY,
  failures INTEGER NOT NULL,
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
