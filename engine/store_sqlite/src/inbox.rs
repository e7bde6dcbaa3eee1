//! Mail that came in, and what belongs to mail: participants, counters, accounts.

use crate::open::SqliteStore;
use crate::reads::Kind;
use crate::rows::{error, json, time, word};
use crate::tables::inbox::{add, text};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use vorgang_core::attachment::Blob;
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_store::inbox::{AccountState, Asked, Before, Inbox, InboxRow, InboxState, NewInbox};
use vorgang_store::{Result, StoreError};

const INBOX: &str = "i.id, i.state, t.number, i.message_id, i.sender, i.subject, i.size, i.blob_hash, i.body, i.at, i.key, i.ticket_id \
     FROM inbox i LEFT JOIN ticket t ON t.id = i.ticket_id";

fn row(r: &Row) -> rusqlite::Result<InboxRow> {
    Ok(InboxRow {
        id: r.get(0)?,
        state: word(r, 1, InboxState::from_word)?,
        number: r.get::<_, Option<String>>(2)?.map(TicketNumber::from),
        message_id: r.get(3)?,
        sender: r.get(4)?,
        subject: r.get(5)?,
        size: r.get::<_, i64>(6)? as u64,
        blob: r.get(7)?,
        details: json(&r.get::<_, String>(8)?)?,
        at: time(r.get(9)?)?,
        key: r.get(10)?,
        ticket: r.get::<_, Option<i64>>(11)?.map(TicketId),
    })
}

fn find_one<P: rusqlite::Params>(store: &SqliteStore, condition: &str, params: P) -> Result<Option<InboxRow>> {
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
        find_one(self, "i.key = ?1", [key])
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
        find_one(self, "i.id = ?1", [id])
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

    async fn inbox_tickets(&self, message_ids: &[String]) -> Result<Vec<TicketId>> {
        let c = self.reader();
        let sql = "SELECT ticket_id FROM inbox WHERE message_id = ?1 AND ticket_id IS NOT NULL AND message_id <> '' ORDER BY id LIMIT 3";
        let mut statement = c.prepare_cached(sql).map_err(error)?;
        let mut found = vec![];
        for id in message_ids.iter().filter(|id| !id.is_empty()) {
            found.extend(all(statement.query_map([id], |r| r.get(0).map(TicketId)).map_err(error)?)?);
        }
        Ok(found)
    }

    async fn inbox_thread(&self, message_id: &str) -> Result<Vec<InboxRow>> {
        thread(&self.reader(), message_id)
    }

    async fn inbox_of(&self, ticket: TicketId) -> Result<Vec<InboxRow>> {
        let c = self.reader();
        let sql = format!("SELECT {INBOX} WHERE i.ticket_id = ?1 AND i.ticket_id IS NOT NULL ORDER BY i.id LIMIT 50");
        let mut statement = c.prepare_cached(&sql).map_err(error)?;
        all(statement.query_map([ticket.0], row).map_err(error)?)
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
