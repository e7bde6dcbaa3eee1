-- Changes of people by named fields, the log of security, and HTML of mail as it is shown.

-- Counts the changes of a person.
ALTER TABLE person ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

-- What touches security: sign-ins, people, roles, tokens, sessions, definitions, exports, denied acts. No secrets. Each hash
-- covers the row before it.
CREATE TABLE security_log (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,           -- a login; empty for a stranger
  cause TEXT NOT NULL,           -- the door: portal, api, cli, mail, …
  event TEXT NOT NULL,           -- person.changed, sign_in.failed, …
  about TEXT NOT NULL,           -- a login, a revision, a ticket's number
  details TEXT NOT NULL,         -- JSON
  hash BLOB NOT NULL
) STRICT;
CREATE INDEX security_log_at ON security_log (at);

-- HTML of mail, sanitised: made at the first view.
CREATE TABLE shown_html (
  hash TEXT NOT NULL PRIMARY KEY, -- of the mail's bytes
  rules INTEGER NOT NULL,         -- the sanitiser's version
  html TEXT NOT NULL
) STRICT, WITHOUT ROWID;
