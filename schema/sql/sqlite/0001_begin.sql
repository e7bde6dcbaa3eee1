-- Everything that is inside a ticket is keyed by (ticket_id, seq): one counter per ticket numbers it all.
-- Times are microseconds since 1970. Names are integer ids: renaming one keeps the id.

CREATE TABLE name (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,            -- type, queue, state, priority, company, audience
  name TEXT NOT NULL,
  UNIQUE (kind, name)
) STRICT;

CREATE TABLE person (
  id INTEGER PRIMARY KEY,
  login TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  email TEXT NOT NULL,
  kind TEXT NOT NULL,            -- customer, agent, system
  company_id INTEGER REFERENCES name (id),
  language TEXT NOT NULL,
  active INTEGER NOT NULL,
  password TEXT                  -- argon2id, PHC form; null: links only
) STRICT;

CREATE TABLE person_role (
  person_id INTEGER NOT NULL REFERENCES person (id),
  role TEXT NOT NULL,
  PRIMARY KEY (person_id, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE membership (
  person_id INTEGER NOT NULL REFERENCES person (id),
  company_id INTEGER NOT NULL REFERENCES name (id),
  PRIMARY KEY (person_id, company_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE company (
  id INTEGER PRIMARY KEY REFERENCES name (id),
  title TEXT NOT NULL
) STRICT;

CREATE TABLE ticket (
  id INTEGER PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  title TEXT NOT NULL,
  type_id INTEGER NOT NULL,
  queue_id INTEGER NOT NULL,
  state_id INTEGER NOT NULL,
  priority_id INTEGER NOT NULL,
  owner_id INTEGER,
  responsible_id INTEGER,
  company_id INTEGER,
  customer_id INTEGER,
  pending_until INTEGER,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  fields TEXT NOT NULL,          -- stored form, one JSON object
  head BLOB NOT NULL             -- hash of the ticket's last history row
) STRICT;
CREATE INDEX ticket_queue ON ticket (queue_id, state_id);
CREATE INDEX ticket_company ON ticket (company_id) WHERE company_id IS NOT NULL;
CREATE INDEX ticket_customer ON ticket (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX ticket_owner ON ticket (owner_id) WHERE owner_id IS NOT NULL;

CREATE TABLE article (
  ticket_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  channel TEXT NOT NULL,
  sender TEXT NOT NULL,
  author TEXT NOT NULL,
  visible INTEGER NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (ticket_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE article_part (
  ticket_id INTEGER NOT NULL,
  article_seq INTEGER NOT NULL,
  part INTEGER NOT NULL,
  name TEXT NOT NULL,
  content_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  blob_hash TEXT NOT NULL,
  PRIMARY KEY (ticket_id, article_seq, part)
) STRICT, WITHOUT ROWID;

-- A hash is no permission: a blob is read only through a ticket that has it.
CREATE TABLE blob (
  hash TEXT NOT NULL UNIQUE,
  bytes BLOB NOT NULL
) STRICT;

CREATE TABLE ticket_link (
  ticket_id INTEGER NOT NULL,
  other_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (ticket_id, other_id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE instance (
  ticket_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  process TEXT NOT NULL,
  hash TEXT NOT NULL,            -- of the process that it pins
  started INTEGER NOT NULL,
  started_by TEXT NOT NULL,
  outcome TEXT,                  -- null while it runs
  ended INTEGER,
  PRIMARY KEY (ticket_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX instance_running ON instance (hash) WHERE outcome IS NULL;

-- Open tokens only: what has ended stands in the history.
CREATE TABLE work (
  ticket_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  instance INTEGER NOT NULL,
  activity TEXT NOT NULL,
  status TEXT NOT NULL,
  source TEXT,
  claimed_by TEXT,
  entered INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  audience TEXT NOT NULL,        -- JSON list of keys
  PRIMARY KEY (ticket_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE work_audience (
  key_id INTEGER NOT NULL,
  ticket_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (key_id, ticket_id, seq)
) STRICT, WITHOUT ROWID;

-- Rounds of joins that count arrivals; tokens that wait at `all` are rows of `work`.
CREATE TABLE arrival (
  ticket_id INTEGER NOT NULL,
  instance INTEGER NOT NULL,
  activity TEXT NOT NULL,
  source TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (ticket_id, instance, activity, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE step (
  ticket_id INTEGER NOT NULL,
  instance INTEGER NOT NULL,
  activity TEXT NOT NULL,
  outcome TEXT NOT NULL,
  by TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (ticket_id, instance, activity)
) STRICT, WITHOUT ROWID;

CREATE TABLE vote (
  ticket_id INTEGER NOT NULL,
  work INTEGER NOT NULL,
  person TEXT NOT NULL,
  outcome TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (ticket_id, work, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE timer (
  ticket_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  work INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  due INTEGER NOT NULL,
  state TEXT NOT NULL,           -- JSON: calendar, start, remaining seconds, pauses
  PRIMARY KEY (ticket_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE incident (
  ticket_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  raised INTEGER NOT NULL,
  resolved INTEGER,
  body TEXT NOT NULL,            -- JSON
  PRIMARY KEY (ticket_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX incident_open ON incident (raised) WHERE resolved IS NULL;

CREATE TABLE history (
  id INTEGER PRIMARY KEY,
  ticket_id INTEGER NOT NULL,
  version INTEGER NOT NULL,
  format INTEGER NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  command TEXT NOT NULL,
  cause TEXT NOT NULL,
  events TEXT NOT NULL,
  personal TEXT,                 -- null once erased
  salt BLOB NOT NULL,
  personal_digest BLOB NOT NULL,
  hash BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX history_version ON history (ticket_id, version);

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,      -- stable: a delivery that is repeated carries the same
  ticket_id INTEGER NOT NULL,
  channel TEXT NOT NULL,
  state TEXT NOT NULL,           -- held, due, sent, failed
  recipient TEXT NOT NULL,
  payload TEXT NOT NULL,
  created INTEGER NOT NULL,
  attempts INTEGER NOT NULL
) STRICT;

CREATE TABLE inbox_key (
  key TEXT NOT NULL PRIMARY KEY,
  ticket_id INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE notification (
  id INTEGER PRIMARY KEY,
  person_id INTEGER NOT NULL,
  ticket_id INTEGER NOT NULL,
  number TEXT NOT NULL,
  name TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  at INTEGER NOT NULL,
  read INTEGER
) STRICT;
CREATE INDEX notification_person ON notification (person_id, read);

CREATE TABLE tick (
  job TEXT NOT NULL,
  tick INTEGER NOT NULL,
  PRIMARY KEY (job, tick)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_run (
  id INTEGER PRIMARY KEY,
  job TEXT NOT NULL,
  started INTEGER NOT NULL,
  ended INTEGER,
  summary TEXT NOT NULL
) STRICT;

CREATE TABLE login_link (
  hash BLOB NOT NULL PRIMARY KEY,
  person_id INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
  hash BLOB NOT NULL PRIMARY KEY,
  person_id INTEGER NOT NULL,
  csrf TEXT NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_token (
  hash BLOB NOT NULL PRIMARY KEY,
  person_id INTEGER NOT NULL,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE number_block (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  next INTEGER NOT NULL
) STRICT;
INSERT INTO number_block (id, next) VALUES (1, 1);

CREATE TABLE revision (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  files TEXT NOT NULL,           -- JSON: every file with its text
  applied INTEGER NOT NULL,
  actor TEXT NOT NULL
) STRICT;

CREATE TABLE process_revision (
  hash TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  canonical TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
  person_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  body_hash BLOB NOT NULL,
  status INTEGER NOT NULL,
  answer TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (person_id, key)
) STRICT, WITHOUT ROWID;

INSERT INTO person (id, login, name, email, kind, company_id, language, active) VALUES (1, 'system', 'System', '', 'system', NULL, 'en', 1);
