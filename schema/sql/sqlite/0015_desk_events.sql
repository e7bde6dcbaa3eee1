-- What happened to people and definitions, until the handlers have made their tickets of it.

CREATE TABLE desk_event (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  event TEXT NOT NULL,
  error TEXT                     -- why a handler failed: it waits for an administrator
) STRICT;
