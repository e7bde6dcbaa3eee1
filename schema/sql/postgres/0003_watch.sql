-- Who watches a ticket. Bit 8 of ticket.parts says that somebody does.

CREATE TABLE watcher (
  ticket_id BIGINT NOT NULL,
  person TEXT NOT NULL,
  since BIGINT NOT NULL,
  PRIMARY KEY (ticket_id, person)
);
