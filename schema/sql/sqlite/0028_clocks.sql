-- A clock's owner, name, calendar and pause are columns, which follow from its state. A clock that stands has no `due`.

CREATE TABLE clock (
  ticket_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  work INTEGER NOT NULL,         -- 0 for those of the ticket and of groups
  epoch INTEGER NOT NULL,
  due INTEGER,                   -- NULL while it stands
  state TEXT NOT NULL,           -- JSON: the whole
  owner TEXT AS (CASE WHEN state ->> '$.kind.timer' = 'group' THEN 'group' WHEN work = 0 THEN 'ticket' ELSE 'work' END),
  part INTEGER AS (CASE WHEN state ->> '$.kind.timer' = 'group' THEN state ->> '$.kind.instance' ELSE work END),
  name TEXT AS (CASE state ->> '$.kind.timer'
    WHEN 'group' THEN 'groups[' || (state ->> '$.kind.group') || '].timers[' || (state ->> '$.kind.index') || ']'
    WHEN 'activity' THEN 'timers[' || (state ->> '$.kind.index') || ']'
    WHEN 'named' THEN state ->> '$.kind.name'
    ELSE state ->> '$.kind.timer' END),
  calendar TEXT AS (state ->> '$.calendar'),
  paused_by TEXT AS (state ->> '$.stands.by'),
  since TEXT AS (state ->> '$.stands.since'),
  PRIMARY KEY (ticket_id, seq)
) STRICT, WITHOUT ROWID;

INSERT INTO clock (ticket_id, seq, work, epoch, due, state) SELECT ticket_id, seq, work, epoch, due, state FROM timer;
DROP TABLE timer;
ALTER TABLE clock RENAME TO timer;
CREATE INDEX timer_due ON timer (due);
CREATE INDEX timer_calendar ON timer (ticket_id, seq) WHERE calendar IS NOT NULL;
