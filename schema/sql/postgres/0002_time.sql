-- Timers are found by when they are due; which tables a ticket has rows in is known from its own row.

CREATE INDEX timer_due ON timer (due);

ALTER TABLE ticket ADD COLUMN parts BIGINT NOT NULL DEFAULT 7;  -- 1 instances, 2 timers, 4 incidents

ALTER TABLE step ADD COLUMN votes TEXT;  -- JSON list, of approvals
