-- Programs that are to be run, or run. The ticket's snapshot holds them too; when the next attempt is due, and how many
-- there were, stands only here.

CREATE TABLE call (
  ticket_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  due BIGINT NOT NULL,
  attempts BIGINT NOT NULL DEFAULT 0,
  state TEXT NOT NULL,
  PRIMARY KEY (ticket_id, seq)
);
CREATE INDEX call_due ON call (due);
