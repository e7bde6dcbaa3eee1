-- What is removed after a while is found by when it ended.

CREATE INDEX outbox_sent ON outbox (done) WHERE state = 'sent';
CREATE INDEX message_closed ON message (closed) WHERE closed IS NOT NULL;
