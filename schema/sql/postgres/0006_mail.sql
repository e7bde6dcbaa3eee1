-- Mail that goes out, what people chose about being told, and what is told once a day (bit 16 of ticket.parts).

ALTER TABLE outbox ADD COLUMN due BIGINT NOT NULL DEFAULT 0;   -- when it is tried next
ALTER TABLE outbox ADD COLUMN error TEXT;
ALTER TABLE outbox ADD COLUMN done BIGINT;                     -- when it was sent
CREATE INDEX outbox_open ON outbox (state, due) WHERE state <> 'sent';

ALTER TABLE notification ADD COLUMN instead_of TEXT;            -- the one who is away
ALTER TABLE person ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
CREATE INDEX idempotency_at ON idempotency (at);

CREATE TABLE told (
  ticket_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  person TEXT NOT NULL,
  day TEXT NOT NULL,
  PRIMARY KEY (ticket_id, name, person)
);
