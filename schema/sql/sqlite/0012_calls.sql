-- Programs that are to be run, or run. The ticket's snapshot holds them too; when the next attempt is due, and how many
-- there were, stands only here.

CREATE TABLE call (
  ticket_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  due INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL,
  PRIMARY KEY (ticket_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX call_due ON call (due);
