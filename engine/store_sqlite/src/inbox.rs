//! Mail that came in, and what belongs to mail: participants, counters, accounts.

use crate::open::SqliteStore;
use crate::read::json;
use crate::reads::Kind;
use crate::rows::{error, micros, time, word};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use serde::Serialize;
use vorgang_core::attachment::Blob;
use vorgang_core::changes::Changes;
use vorgang_core::mail::Address;
use vorgang_store::inbox::{AccountState, Asked, Before, Inbox, InboxRow, InboxState, NewInbox};
use vorgang_store::messages::{Payload, channel};
use vorgang_store::{Result, StoreError};

const INBOX: &str = "i.id, i.state, t.number, i.message_id, i.sender, i.subject, i.size, i.blob_hash, i.body, i.at, i.key, i.ticket_id \
     FROM inbox i LEFT JOIN ticket t ON t.id = i.ticket_id";

fn text(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| StoreError::Corrupt(e.to_string()))
}

/// What a command changes about mail: part of its commit.
pub fn write(c: &Connection, changes: &Changes, at: Timestamp, trace: Option<&str>) -> Result<()> {
    let run = |sql: &str, params: &[&dyn rusqlite::ToSql]| c.prepare_cached(sql).and_then(|mut s| s.execute(params)).map_err(error);
    let t = &changes.ticket;
    for (participant, since) in &changes.participants {
        let sql = "INSERT INTO participant (ticket_id, address, body, since) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
        run(sql, params![t.id, participant.key(), text(participant)?, micros(*since)])?;
    }
    for mail in &changes.outgoing {
        let to = mail.to.first().map_or("", |a| a.address.as_str());
        run(
            "INSERT INTO outbox (key, ticket_id, channel, state, recipient, payload, created, due, attempts) VALUES (?1, ?2, ?7, 'due', ?3, ?4, ?5, ?6, 0)",
            params![
                format!("{}-{}", t.id, mail.seq),
                t.id,
                to,
                Payload::of_mail(mail, &t.number, trace),
                micros(mail.at),
                micros(mail.not_before),
                channel(mail.account.as_deref())
            ],
        )?;
        for address in mail.to.iter().filter(|_| mail.auto) {
            let sql = "INSERT INTO mail_count (address, day, count) VALUES (?1, ?2, 1) ON CONFLICT DO UPDATE SET count = count + 1";
            run(sql, params![address.key(), day(mail.at)])?;
        }
    }
    for (mail, article) in &changes.taken_back {
        // One that somebody tries to send is due much later.
        let sql = "UPDATE outbox SET state = 'taken_back', done = ?2 WHERE key = ?1 AND state = 'due' AND attempts = 0 AND due > ?2 AND due - created <= 60000000";
        if run(sql, params![format!("{}-{mail}", t.id), micros(at)])? != 1 {
            return Err(StoreError::Conflict);
        }
        run("UPDATE article SET withdrawn = 1, visible = 0 WHERE ticket_id = ?1 AND seq = ?2", params![t.id, article])?;
        crate::search::forget(c, t.id, *article).map_err(error)?;
    }
    for (address, reason, at) in &changes.bounced {
        let sql = "INSERT INTO mail_bounce (address, at, reason) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET at = excluded.at, reason = excluded.reason";
        run(sql, params![address.to_ascii_lowercase(), micros(*at), reason])?;
    }
    Ok(())
}

/// Days are counted in UTC: one border for all nodes.
fn day(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

pub fn participants(c: &Connection, ticket: i64) -> rusqlite::Result<Vec<Address>> {
    let mut statement = c.prepare_cached("SELECT body FROM participant WHERE ticket_id = ?1 ORDER BY address")?;
    statement.query_map([ticket], |r| json(&r.get::<_, String>(0)?))?.collect()
}

/// The log's row; `Conflict` where the mail is there already.
pub fn add(c: &Connection, mail: &NewInbox, ticket: Option<i64>) -> Result<()> {
    let sql = "INSERT INTO inbox (key, state, ticket_id, message_id, sender, subject, size, blob_hash, body, at, thread) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?12) ON CONFLICT (key) DO UPDATE SET state = excluded.state, \
         ticket_id = excluded.ticket_id, message_id = excluded.message_id, sender = excluded.sender, subject = excluded.subject, \
         body = excluded.body, thread = excluded.thread WHERE ?11 AND inbox.state = 'quarantined'";
    let details = text(&mail.details)?;
    let values = params![
        mail.key,
        mail.state.word(),
        ticket,
        mail.message_id,
        mail.sender,
        mail.subject,
        mail.size as i64,
        mail.blob,
        details,
        micros(mail.at),
        mail.again,
        mail.thread
    ];
    match c.prepare_cached(sql).and_then(|mut s| s.execute(values)).map_err(error)? {
        1 => Ok(()),
        _ => Err(StoreError::Conflict),
    }
}

fn row(r: &Row) -> rusqlite::Result<InboxRow> {
    Ok(InboxRow {
        id: r.get(0)?,
        state: word(r, 1, InboxState::from_word)?,
        number: r.get(2)?,
        message_id: r.get(3)?,
        sender: r.get(4)?,
        subject: r.get(5)?,
        size: r.get::<_, i64>(6)? as u64,
        blob: r.get(7)?,
        details: json(&r.get::<_, String>(8)?)?,
        at: time(r.get(9)?)?,
        key: r.get(10)?,
        ticket: r.get(11)?,
    })
}

fn one<P: rusqlite::Params>(store: &SqliteStore, condition: &str, params: P) -> Result<Option<InboxRow>> {
    let c = store.reader();
    let mut statement = c.prepare_cached(&format!("SELECT {INBOX} WHERE {condition}")).map_err(error)?;
    statement.query_row(params, row).optional().map_err(error)
}

fn thread(c: &Connection, message_id: &str) -> Result<Vec<InboxRow>> {
    if message_id.is_empty() {
        return Ok(vec![]);
    }
    let sql = format!(
        "SELECT {INBOX} WHERE i.id IN \
         (SELECT id FROM inbox WHERE message_id = ?1 AND ticket_id IS NOT NULL AND message_id <> '' \
         UNION ALL SELECT id FROM inbox WHERE thread = ?1 AND ticket_id IS NOT NULL AND thread <> '') \
         ORDER BY i.message_id <> ?1, i.id LIMIT 10"
    );
    let mut statement = c.prepare_cached(&sql).map_err(error)?;
    all(statement.query_map([message_id], row).map_err(error)?)
}

fn all<T>(rows: impl Iterator<Item = rusqlite::Result<T>>) -> Result<Vec<T>> {
    rows.collect::<rusqlite::Result<_>>().map_err(error)
}

#[async_trait]
impl Inbox for SqliteStore {
    async fn inbox_find(&self, key: &str) -> Result<Option<InboxRow>> {
        one(self, "i.key = ?1", [key])
    }

    async fn inbox_before(&self, asked: &Asked<'_>) -> Result<Before> {
        let c = self.reader();
        // One transaction: the pages that it reads stay in memory until its end.
        let read = c.unchecked_transaction().map_err(error)?;
        let sql = format!("SELECT {INBOX} WHERE i.key IN (?1, ?2) ORDER BY i.key <> ?1 LIMIT 1");
        let known = read.prepare_cached(&sql).and_then(|mut s| s.query_row([asked.key, asked.older_key], row).optional()).map_err(error)?;
        let thread = thread(&read, asked.message_id)?;
        let sql = "SELECT count FROM mail_count WHERE address = ?1 AND day = ?2";
        let counted = read.prepare_cached(sql).and_then(|mut s| {
            s.query_row(params![asked.sender.to_ascii_lowercase(), asked.day.to_string()], |r| r.get::<_, i64>(0)).optional()
        });
        Ok(Before { known, thread, responses: counted.map_err(error)?.unwrap_or(0) as u64 })
    }

    async fn inbox_get(&self, id: i64) -> Result<Option<InboxRow>> {
        one(self, "i.id = ?1", [id])
    }

    async fn inbox_add(&self, mail: NewInbox, raw: Blob) -> Result<()> {
        let large = raw.bytes.len() > vorgang_store::files::INLINE_MAX;
        let raw = match &self.files {
            Some(files) if large => {
                files.put(&raw.hash, raw.bytes).await?;
                None
            }
            _ => Some(raw),
        };
        let write = move |c: &Connection, _: &mut Vec<(String, i64)>| {
            if let Some(raw) = &raw {
                let sql = "INSERT INTO blob (hash, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
                c.execute(sql, params![raw.hash, *raw.bytes]).map_err(error)?;
            }
            add(c, &mail, None).map(|()| 0)
        };
        self.writer()?.write(false, write).await.map(|_| ())
    }

    async fn inbox_list(&self, state: Option<InboxState>, limit: u32, before: Option<i64>) -> Result<Vec<InboxRow>> {
        let condition = match state {
            None => "1 = 1",
            Some(InboxState::Taken) => "i.state = 'taken'",
            Some(InboxState::Ignored) => "i.state = 'ignored' AND i.state <> 'taken'",
            Some(InboxState::Quarantined) => "i.state = 'quarantined' AND i.state <> 'taken'",
            Some(InboxState::Discarded) => "i.state = 'discarded' AND i.state <> 'taken'",
        };
        self.read(Kind::Mail, |c| {
            let sql = format!("SELECT {INBOX} WHERE {condition} AND i.id < ?1 ORDER BY i.id DESC LIMIT ?2");
            let mut statement = c.prepare_cached(&sql).map_err(error)?;
            all(statement.query_map(params![before.unwrap_or(i64::MAX), limit], row).map_err(error)?)
        })
        .await
    }

    async fn inbox_count(&self, state: InboxState) -> Result<u64> {
        let sql = match state {
            InboxState::Taken => "SELECT count(*) FROM inbox WHERE state = ?1",
            _ => "SELECT count(*) FROM inbox WHERE state = ?1 AND state <> 'taken'",
        };
        let count = |c: &Connection| c.query_row(sql, [state.word()], |r| r.get::<_, i64>(0)).map(|n| n as u64).map_err(error);
        self.read(Kind::Mail, count).await
    }

    async fn inbox_discard(&self, id: i64) -> Result<bool> {
        let sql = "UPDATE inbox SET state = 'discarded' WHERE id = ?1 AND state = 'quarantined'";
        self.write(false, move |c| c.execute(sql, [id]).map(|n| n as i64)).await.map(|n| n == 1)
    }

    async fn inbox_tickets(&self, message_ids: &[String]) -> Result<Vec<i64>> {
        let c = self.reader();
        let sql = "SELECT ticket_id FROM inbox WHERE message_id = ?1 AND ticket_id IS NOT NULL AND message_id <> '' ORDER BY id LIMIT 3";
        let mut statement = c.prepare_cached(sql).map_err(error)?;
        let mut found = vec![];
        for id in message_ids.iter().filter(|id| !id.is_empty()) {
            found.extend(all(statement.query_map([id], |r| r.get::<_, i64>(0)).map_err(error)?)?);
        }
        Ok(found)
    }

    async fn inbox_thread(&self, message_id: &str) -> Result<Vec<InboxRow>> {
        thread(&self.reader(), message_id)
    }

    async fn inbox_of(&self, ticket: i64) -> Result<Vec<InboxRow>> {
        let c = self.reader();
        let sql = format!("SELECT {INBOX} WHERE i.ticket_id = ?1 AND i.ticket_id IS NOT NULL ORDER BY i.id LIMIT 50");
        let mut statement = c.prepare_cached(&sql).map_err(error)?;
        all(statement.query_map([ticket], row).map_err(error)?)
    }

    async fn mail_bounces(&self, addresses: &[String]) -> Result<Vec<(String, Timestamp, String)>> {
        let marks = vec!["?"; addresses.len()].join(", ");
        let sql = format!("SELECT address, at, reason FROM mail_bounce WHERE address IN ({marks}) ORDER BY address");
        let c = self.reader();
        let mut statement = c.prepare_cached(&sql).map_err(error)?;
        let keys = addresses.iter().map(|a| a.to_ascii_lowercase());
        all(statement.query_map(params_from_iter(keys), |r| Ok((r.get(0)?, time(r.get(1)?)?, r.get(2)?))).map_err(error)?)
    }

    async fn account_states(&self) -> Result<Vec<(String, AccountState)>> {
        let c = self.reader();
        let mut statement = c.prepare_cached("SELECT name, body FROM mail_account ORDER BY name").map_err(error)?;
        all(statement.query_map([], |r| Ok((r.get(0)?, json(&r.get::<_, String>(1)?)?))).map_err(error)?)
    }

    async fn account_save(&self, name: &str, state: &AccountState) -> Result<()> {
        let (name, body) = (name.to_owned(), text(state)?);
        let sql = "INSERT INTO mail_account (name, body) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET body = excluded.body";
        self.write(false, move |c| c.execute(sql, params![name, body]).map(|n| n as i64)).await.map(|_| ())
    }

    async fn secret(&self, name: &str, bytes: [u8; 32]) -> Result<[u8; 32]> {
        let read = "SELECT bytes FROM secret WHERE name = ?1";
        let known = |c: &Connection| c.query_row(read, [name], |r| r.get::<_, Vec<u8>>(0)).optional().map_err(error);
        let found = known(&self.reader())?;
        let found = match found {
            Some(found) => found,
            None => {
                let new = name.to_owned();
                let sql = "INSERT INTO secret (name, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
                self.write(false, move |c| c.execute(sql, params![new, &bytes[..]]).map(|n| n as i64)).await?;
                known(&self.reader())?.ok_or_else(|| StoreError::Corrupt(format!("the secret `{name}` was not kept")))?
            }
        };
        found.try_into().map_err(|_| StoreError::Corrupt(format!("the secret `{name}` has another length")))
    }
}
