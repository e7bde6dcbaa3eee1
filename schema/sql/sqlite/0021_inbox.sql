-- Mail that came in, who takes part by mail (bit 128 of ticket.parts), and what is known of addresses.

ALTER TABLE article ADD COLUMN head TEXT;                         -- JSON, of one that came or went by mail
ALTER TABLE article ADD COLUMN withdrawn INTEGER NOT NULL DEFAULT 0;

CREATE TABLE participant (
  ticket_id INTEGER NOT NULL,
  address TEXT NOT NULL,         -- in small letters
  body TEXT NOT NULL,            -- JSON: as it was written, with the name
  since INTEGER NOT NULL,
  PRIMARY KEY (ticket_id, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,      -- of its bytes: the same mail is taken once
  state TEXT NOT NULL,           -- taken, ignored, quarantined, discarded
  ticket_id INTEGER,
  message_id TEXT NOT NULL,      -- empty where there is none
  sender TEXT NOT NULL,
  subject TEXT NOT NULL,
  size INTEGER NOT NULL,
  blob_hash TEXT NOT NULL,
  body TEXT NOT NULL,            -- JSON: the door, the account, recipients, reasons
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX inbox_state ON inbox (state, id) WHERE state <> 'taken';
CREATE INDEX inbox_message ON inbox (message_id) WHERE ticket_id IS NOT NULL AND message_id <> '';
CREATE INDEX inbox_ticket ON inbox (ticket_id) WHERE ticket_id IS NOT NULL;

-- Automatic responses that an address got on a day.
CREATE TABLE mail_count (
  address TEXT NOT NULL,
  day TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (address, day)
) STRICT, WITHOUT ROWID;

-- Addresses that a mail did not reach.
CREATE TABLE mail_bounce (
  address TEXT NOT NULL PRIMARY KEY,
  at INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What was last heard of the servers of mail accounts, and how far mailboxes were read.
CREATE TABLE mail_account (
  name TEXT NOT NULL PRIMARY KEY,
  body TEXT NOT NULL             -- JSON
) STRICT, WITHOUT ROWID;

-- What nobody may guess: made once, by whoever needs it first.
CREATE TABLE secret (
  name TEXT NOT NULL PRIMARY KEY,
  bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID;
