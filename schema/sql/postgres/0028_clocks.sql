-- A clock's owner, name, calendar and pause are columns, which follow from its state. A clock that stands has no `due`.

ALTER TABLE timer
  ALTER COLUMN due DROP NOT NULL,
  ADD COLUMN owner TEXT GENERATED ALWAYS AS
    (CASE WHEN state::jsonb #>> '{kind,timer}' = 'group' THEN 'group' WHEN work = 0 THEN 'ticket' ELSE 'work' END) STORED,
  ADD COLUMN part BIGINT GENERATED ALWAYS AS
    (CASE WHEN state::jsonb #>> '{kind,timer}' = 'group' THEN (state::jsonb #>> '{kind,instance}')::bigint ELSE work END) STORED,
  ADD COLUMN name TEXT GENERATED ALWAYS AS (CASE state::jsonb #>> '{kind,timer}'
    WHEN 'group' THEN 'groups[' || (state::jsonb #>> '{kind,group}') || '].timers[' || (state::jsonb #>> '{kind,index}') || ']'
    WHEN 'activity' THEN 'timers[' || (state::jsonb #>> '{kind,index}') || ']'
    WHEN 'named' THEN state::jsonb #>> '{kind,name}'
    ELSE state::jsonb #>> '{kind,timer}' END) STORED,
  ADD COLUMN calendar TEXT GENERATED ALWAYS AS (state::jsonb ->> 'calendar') STORED,
  ADD COLUMN paused_by TEXT GENERATED ALWAYS AS (state::jsonb #>> '{stands,by}') STORED,
  ADD COLUMN since TEXT GENERATED ALWAYS AS (state::jsonb #>> '{stands,since}') STORED;

CREATE INDEX timer_calendar ON timer (ticket_id, seq) WHERE calendar IS NOT NULL;
