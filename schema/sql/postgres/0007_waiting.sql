-- Tickets that wait until a time: few of all, and what jobs look for.

CREATE INDEX ticket_pending ON ticket (pending_until) WHERE pending_until IS NOT NULL;
