-- One table for what goes out, whatever the way: mail, programs that are run, messages to processes.

CREATE TABLE delivery (
  id INTEGER PRIMARY KEY,
  channel TEXT NOT NULL,          -- mail, program, message
  lane TEXT NOT NULL,             -- the account, the program, the message's name
  key TEXT NOT NULL UNIQUE,       -- the same however often it is attempted
  ticket_id INTEGER,              -- NULL for a message
  recipient TEXT NOT NULL,
  rank INTEGER NOT NULL,          -- 0 a person's, 1 the desk's, 2 a job's
  state TEXT NOT NULL,            -- held, due, sent, failed, taken_back
  payload TEXT NOT NULL,
  created INTEGER NOT NULL,
  due INTEGER NOT NULL,           -- when it is attempted next
  span INTEGER NOT NULL,          -- longest time of an attempt, in microseconds
  attempts INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  done INTEGER,                   -- when it was sent
  owner INTEGER,                  -- the process that attempts it now
  begun INTEGER NOT NULL DEFAULT 0, -- it was claimed at least once
  digest TEXT                     -- mails with the same one go out together
) STRICT;

INSERT INTO delivery (id, channel, lane, key, ticket_id, recipient, rank, state, payload, created, due, span, attempts, error, done, owner, begun, digest)
  SELECT id, 'mail', CASE WHEN channel LIKE 'mail:%' THEN substr(channel, 6) ELSE '' END, key, ticket_id, recipient,
    CASE WHEN payload -> '$.outgoing' IS NOT NULL AND NOT coalesce(payload ->> '$.outgoing.auto', FALSE) THEN 0 ELSE 1 END,
    state, payload, created, due, 900000000, attempts, error, done, owner, begun, digest FROM outbox;
DROP TABLE outbox;

INSERT INTO delivery (channel, lane, key, ticket_id, recipient, rank, state, payload, created, due, span, attempts, owner, begun)
  SELECT 'program', c.state ->> '$.program', 'program ' || c.ticket_id || '-' || c.seq, c.ticket_id, '', 0, 'due',
    json_object('ticket', t.number, 'trace', c.state ->> '$.trace', 'call', c.seq, 'program', c.state ->> '$.program', 'retry', json(c.state -> '$.retry')),
    c.due, c.due, (c.state ->> '$.limit' + 60) * 1000000, c.attempts, c.owner, c.attempts > 0
  FROM call c JOIN ticket t ON t.id = c.ticket_id;
DROP INDEX call_due;
ALTER TABLE call DROP COLUMN due;
ALTER TABLE call DROP COLUMN attempts;
ALTER TABLE call DROP COLUMN owner;

INSERT INTO delivery (channel, lane, key, recipient, rank, state, payload, created, due, span)
  SELECT 'message', name, 'message ' || id, '', 0, 'due', json_object('ticket', '', 'message', id, 'name', name), sent, sent, 900000000
  FROM message WHERE closed IS NULL;

CREATE INDEX delivery_due ON delivery (channel, rank, due, id) WHERE state = 'due';
CREATE INDEX delivery_open ON delivery (state, id) WHERE state <> 'sent';
CREATE INDEX delivery_owner ON delivery (owner) WHERE owner IS NOT NULL;
CREATE INDEX delivery_digest ON delivery (digest) WHERE digest IS NOT NULL AND state <> 'sent';
CREATE INDEX delivery_sent ON delivery (done) WHERE state = 'sent';

-- A program that does not know the table would send nothing, and say nothing of it.
UPDATE schema_needs SET steps = 29;
