-- Claims: a mail or a program's run that is under way belongs to a process, and comes free when that process ends.

ALTER TABLE outbox ADD COLUMN owner INTEGER;                  -- the process that sends it now
ALTER TABLE outbox ADD COLUMN begun INTEGER NOT NULL DEFAULT 0; -- it was claimed at least once
ALTER TABLE outbox ADD COLUMN digest TEXT;                    -- mails with the same one go out together
CREATE INDEX outbox_digest ON outbox (digest) WHERE digest IS NOT NULL AND state <> 'sent';
ALTER TABLE call ADD COLUMN owner INTEGER;
