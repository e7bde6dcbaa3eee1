-- Messages to processes. A message is open until every running instance that it may be for has been asked; one that
-- nobody wanted waits, if some process keeps it.

CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  data TEXT NOT NULL,
  sent INTEGER NOT NULL,
  by TEXT NOT NULL,
  key TEXT UNIQUE,               -- of the request, so that it is sent once
  hops INTEGER NOT NULL DEFAULT 0,
  until INTEGER,                 -- the site keeps it so long
  cursor INTEGER NOT NULL DEFAULT 0,
  reached INTEGER NOT NULL DEFAULT 0,
  looked INTEGER,                -- when all had been asked; afterwards only what has changed since
  closed INTEGER
) STRICT;
CREATE INDEX message_open ON message (id) WHERE closed IS NULL;

-- What a message has changed already, while it is under way.
CREATE TABLE message_done (
  message INTEGER NOT NULL,
  ticket_id INTEGER NOT NULL,
  PRIMARY KEY (message, ticket_id)
) STRICT, WITHOUT ROWID;

-- What an instance keeps until a handler waits for it.
CREATE TABLE message_kept (
  ticket_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  instance INTEGER NOT NULL,
  state TEXT NOT NULL,
  PRIMARY KEY (ticket_id, seq)
) STRICT, WITHOUT ROWID;
