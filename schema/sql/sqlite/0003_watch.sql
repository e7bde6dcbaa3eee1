-- Who watches a ticket. Bit 8 of ticket.parts says that somebody does.

CREATE TABLE watcher (
  ticket_id INTEGER NOT NULL,
  person TEXT NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (ticket_id, person)
) STRICT, WITHOUT ROWID;
