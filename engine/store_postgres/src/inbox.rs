//! Mail that came in, and what belongs to mail: participants, counters, accounts.

use crate::arg::{Arg, args};
use crate::rows::{error, json, micros, text, time, word};
use crate::store::PostgresStore;
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::collections::BTreeMap;
use vorgang_core::attachment::Blob;
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_store::inbox::{AccountState, Asked, Before, Inbox, InboxRow, InboxState, NewInbox};
use vorgang_store::{Result, StoreError};

const INBOX: &str = "i.id, i.state, t.number, i.message_id, i.sender, i.subject, i.size, i.blob_hash, i.body, i.at, i.key, i.ticket_id \
     FROM inbox i LEFT JOIN ticket t ON t.id = i.ticket_id";

fn row(r: &PgRow) -> Result<InboxRow> {
    Ok(InboxRow {
        id: r.try_get(0).map_err(error)?,
        state: word(r, 1, InboxState::from_word).map_err(error)?,
        number: r.try_get::<Option<String>, _>(2).map(|n| n.map(TicketNumber::from)).map_err(error)?,
        message_id: r.try_get(3).map_err(error)?,
        sender: r.try_get(4).map_err(error)?,
        subject: r.try_get(5).map_err(error)?,
        size: r.try_get::<i64, _>(6).map_err(error)? as u64,
        blob: r.try_get(7).map_err(error)?,
        details: json(r.try_get(8).map_err(error)?)?,
        at: r.try_get(9).and_then(time).map_err(error)?,
        key: r.try_get(10).map_err(error)?,
        ticket: r.try_get::<Option<i64>, _>(11).map_err(error)?.map(TicketId),
    })
}

async fn find_one(store: &PostgresStore, condition: &str, values: Vec<Arg>) -> Result<Option<InboxRow>> {
    let rows = store.server.ask(format!("SELECT {INBOX} WHERE {condition}"), values).await?;
    rows.first().map(row).transpose()
}

#[async_trait]
impl Inbox for PostgresStore {
    async fn inbox_find(&self, key: &str) -> Result<Option<InboxRow>> {
        find_one(self, "i.key = $1", args![key]).await
    }

    async fn inbox_before(&self, asked: &Asked<'_>) -> Result<Before> {
        let known = find_one(self, "i.key IN ($1, $2) ORDER BY i.key <> $1 LIMIT 1", args![asked.key, asked.older_key]);
        let thread = async { if asked.message_id.is_empty() { Ok(vec![]) } else { self.inbox_thread(asked.message_id).await } };
        let sql = "SELECT count FROM mail_count WHERE address = $1 AND day = $2";
        let counted = self.server.ask(sql, args![asked.sender.to_ascii_lowercase(), asked.day.to_string()]);
        let (known, thread, counted) = tokio::try_join!(known, thread, counted)?;
        let responses = counted.first().map(|r| r.try_get::<i64, _>(0)).transpose().map_err(error)?;
        Ok(Before { known, thread, responses: responses.unwrap_or(0) as u64 })
    }

    async fn inbox_get(&self, id: i64) -> Result<Option<InboxRow>> {
        find_one(self, "i.id = $1", args![id]).await
    }

    async fn inbox_add(&self, mail: NewInbox, raw: Blob) -> Result<()> {
        let hash = raw.hash.clone();
        let large = raw.bytes.len() > vorgang_store::files::INLINE_MAX;
        let inline = match &self.files {
            Some(files) if large => {
                files.put(&raw.hash, raw.bytes).await?;
                None
            }
            _ => Some(raw.bytes.to_vec()),
        };
        let details = text(&mail.details)?;
        let known = if mail.again { "WHERE inbox.state = 'quarantined'" } else { "WHERE FALSE" };
        let blob = match &inline {
            Some(_) => {
                "WITH b AS (INSERT INTO blob (hash, bytes) VALUES ($11, $12) ON CONFLICT (hash) DO UPDATE SET hash = excluded.hash) "
            }
            None => "WITH b AS (SELECT $11::text, $12::bytea) ",
        };
        let sql = format!(
            "{blob} INSERT INTO inbox (key, state, ticket_id, message_id, sender, subject, size, blob_hash, body, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (key) DO UPDATE SET state = excluded.state, \
             sender = excluded.sender, subject = excluded.subject, body = excluded.body {known} RETURNING 1"
        );
        let none: Option<i64> = None;
        let values = args![
            &mail.key,
            mail.state.word(),
            none,
            &mail.message_id,
            &mail.sender,
            &mail.subject,
            mail.size,
            &mail.blob,
            details,
            micros(mail.at),
            &hash,
            inline.unwrap_or_default()
        ];
        let rows = self.server.tell(sql, values).await?;
        if rows.len() == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }

    async fn inbox_list(&self, state: Option<InboxState>, limit: u32, before: Option<i64>) -> Result<Vec<InboxRow>> {
        let condition = match state {
            None => "TRUE",
            Some(InboxState::Taken) => "i.state = 'taken'",
            Some(InboxState::Ignored) => "i.state = 'ignored' AND i.state <> 'taken'",
            Some(InboxState::Quarantined) => "i.state = 'quarantined' AND i.state <> 'taken'",
            Some(InboxState::Discarded) => "i.state = 'discarded' AND i.state <> 'taken'",
        };
        let sql = format!("SELECT {INBOX} WHERE {condition} AND i.id < $1 ORDER BY i.id DESC LIMIT $2");
        self.server.ask(sql, args![before.unwrap_or(i64::MAX), limit]).await?.iter().map(row).collect()
    }

    async fn inbox_count(&self, state: InboxState) -> Result<u64> {
        let sql = match state {
            InboxState::Taken => "SELECT count(*) FROM inbox WHERE state = $1",
            _ => "SELECT count(*) FROM inbox WHERE state = $1 AND state <> 'taken'",
        };
        self.count(sql, args![state.word()]).await
    }

    async fn inbox_discard(&self, id: i64) -> Result<bool> {
        let sql = "UPDATE inbox SET state = 'discarded' WHERE id = $1 AND state = 'quarantined' RETURNING 1";
        Ok(!self.server.tell(sql, args![id]).await?.is_empty())
    }

    async fn inbox_tickets(&self, message_ids: &[String]) -> Result<Vec<TicketId>> {
        let sql = "SELECT message_id, ticket_id FROM inbox WHERE message_id = ANY ($1) AND ticket_id IS NOT NULL AND message_id <> '' ORDER BY id";
        let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for r in self.server.ask(sql, args![message_ids.to_vec()]).await? {
            found.entry(r.try_get(0).map_err(error)?).or_default().push(r.try_get(1).map_err(error)?);
        }
        Ok(message_ids.iter().filter_map(|id| found.remove(id)).flat_map(|t| t.into_iter().take(3)).map(TicketId).collect())
    }

    async fn inbox_thread(&self, message_id: &str) -> Result<Vec<InboxRow>> {
        let sql = format!(
            "SELECT {INBOX} WHERE i.id IN \
             (SELECT id FROM inbox WHERE message_id = $1 AND ticket_id IS NOT NULL AND message_id <> '' \
             UNION ALL SELECT id FROM inbox WHERE thread = $1 AND ticket_id IS NOT NULL AND thread <> '') \
             ORDER BY i.message_id <> $1, i.id LIMIT 10"
        );
        self.server.ask(sql, args![message_id]).await?.iter().map(row).collect()
    }

    async fn inbox_of(&self, ticket: TicketId) -> Result<Vec<InboxRow>> {
        let sql = format!("SELECT {INBOX} WHERE i.ticket_id = $1 AND i.ticket_id IS NOT NULL ORDER BY i.id LIMIT 50");
        self.server.ask(sql, args![ticket]).await?.iter().map(row).collect()
    }

    async fn mail_bounces(&self, addresses: &[String]) -> Result<Vec<(String, Timestamp, String)>> {
        let keys: Vec<String> = addresses.iter().map(|a| a.to_ascii_lowercase()).collect();
        let sql = "SELECT address, at, reason FROM mail_bounce WHERE address = ANY ($1) ORDER BY address";
        let bounce = |r: &PgRow| Ok((r.try_get(0)?, time(r.try_get(1)?)?, r.try_get(2)?));
        self.server.ask(sql, args![keys]).await?.iter().map(|r| bounce(r).map_err(error)).collect()
    }

    async fn account_states(&self) -> Result<Vec<(String, AccountState)>> {
        let rows = self.server.ask("SELECT name, body FROM mail_account ORDER BY name", vec![]).await?;
        rows.iter().map(|r| Ok((r.try_get(0).map_err(error)?, json(r.try_get(1).map_err(error)?)?))).collect()
    }

    async fn account_save(&self, name: &str, state: &AccountState) -> Result<()> {
        let sql = "INSERT INTO mail_account (name, body) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET body = excluded.body";
        self.server.tell(sql, args![name, text(state)?]).await.map(|_| ())
    }

    async fn secret(&self, name: &str, bytes: [u8; 32]) -> Result<[u8; 32]> {
        let read = "SELECT bytes FROM secret WHERE name = $1";
        let mut rows = self.server.ask(read, args![name]).await?;
        if rows.is_empty() {
            let sql = "INSERT INTO secret (name, bytes) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            self.server.tell(sql, args![name, &bytes]).await?;
            rows = self.server.ask(read, args![name]).await?;
        }
        let found: Vec<u8> = rows[0].try_get(0).map_err(error)?;
        found.try_into().map_err(|_| StoreError::Corrupt(format!("the secret `{name}` has another length")))
    }
}
