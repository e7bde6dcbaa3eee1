//! The log of security, and changes of people.

use crate::arg::args;
use crate::people::{self, happened, save};
use crate::rows::{self, committed, error, hash, micros};
use crate::server::bounded;
use crate::store::PostgresStore;
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{PgConnection, Row};
use vorgang_core::chain::GENESIS;
use vorgang_core::ids::{ArticleId, TicketId};
use vorgang_core::people::PersonPatch;
use vorgang_core::security::{self, By, Entry};
use vorgang_store::security::{LogRow, Security};
use vorgang_store::{Result, StoreError};

/// The mark's row is held until the end of the transaction: nobody else appends meanwhile.
pub async fn append(c: &mut PgConnection, entries: &[Entry]) -> Result<()> {
    sqlx::query("UPDATE mark SET value = value + 1 WHERE name = 'security'").execute(&mut *c).await.map_err(error)?;
    let last = "SELECT id, hash FROM security_log ORDER BY id DESC LIMIT 1";
    let last = sqlx::query(last).fetch_optional(&mut *c).await.map_err(error)?;
    let (mut id, mut previous) = match &last {
        Some(r) => (r.try_get::<i64, _>(0).map_err(error)?, r.try_get(1).and_then(hash).map_err(error)?),
        None => (0, GENESIS),
    };
    for entry in entries {
        let (at, details) = (micros(entry.by.at), entry.details.to_string());
        let texts = [entry.by.actor.as_str(), &entry.by.cause, &entry.event, &entry.about, &details];
        previous = security::hash(previous, at, texts);
        id += 1;
        let sql = "INSERT INTO security_log (id, at, actor, cause, event, about, details, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let mut insert = sqlx::query(sql).bind(id).bind(at);
        for text in texts {
            insert = insert.bind(text.to_owned());
        }
        insert.bind(previous.to_vec()).execute(&mut *c).await.map_err(error)?;
    }
    Ok(())
}

impl PostgresStore {
    async fn change(&self, login: &str, patch: &PersonPatch, expected: Option<u64>, by: &By, happens: bool) -> Result<u64> {
        let mut tx = self.server.begin().await?;
        let sql = "UPDATE mark SET value = value + 1 WHERE name = 'people'";
        sqlx::query(sql).execute(&mut *tx).await.map_err(error)?;
        let sql = "SELECT p.version, p.name, p.email, p.kind, (SELECT name FROM name WHERE id = p.company_id), p.language, p.active, p.settings, \
             coalesce((SELECT array_agg(role ORDER BY role COLLATE \"C\") FROM person_role r WHERE r.person_id = p.id), '{}') \
             FROM person p WHERE p.login = $1 FOR UPDATE OF p";
        let r = sqlx::query(sql).bind(login).fetch_optional(&mut *tx).await.map_err(error)?.ok_or(StoreError::NotFound)?;
        let version = r.try_get::<i64, _>(0).map_err(error)? as u64;
        if expected.is_some_and(|e| e != version) {
            return Err(StoreError::Conflict);
        }
        let mut person = rows::person(&r, login.into())?;
        let changes = patch.apply(&mut person);
        if changes.is_empty() {
            return Ok(version);
        }
        if happens && let Some(event) = people::event(&mut tx, &person).await? {
            happened(&mut tx, &event, by.at).await?;
        }
        save(&mut tx, &person).await.map_err(error)?;
        let settings = serde_json::to_string(&person.settings).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        let sql = "UPDATE person SET settings = $2, version = version + 1 WHERE login = $1";
        sqlx::query(sql).bind(login).bind(settings).execute(&mut *tx).await.map_err(error)?;
        append(&mut tx, &[patch.entry(login, version + 1, changes, by)]).await?;
        committed(tx).await?;
        self.reload().await?;
        Ok(version + 1)
    }
}

#[async_trait]
impl Security for PostgresStore {
    async fn security_add(&self, entries: Vec<Entry>) -> Result<()> {
        let add = async {
            let mut tx = self.server.begin().await?;
            append(&mut tx, &entries).await?;
            committed(tx).await
        };
        bounded(add).await
    }

    async fn security_list(&self, since: Option<Timestamp>, who: Option<&str>, after: i64, limit: u32) -> Result<Vec<LogRow>> {
        let sql = "SELECT id, at, actor, cause, event, about, details, hash FROM security_log \
             WHERE id > $1 AND at >= $2 AND ($3::text IS NULL OR actor = $3 OR about = $3) ORDER BY id LIMIT $4";
        let since = since.map_or(i64::MIN, micros);
        let mut all = vec![];
        for r in self.server.ask(sql, args![after, since, who.map(str::to_owned), limit]).await? {
            all.push(LogRow {
                id: r.try_get(0).map_err(error)?,
                at: r.try_get(1).map_err(error)?,
                actor: r.try_get(2).map_err(error)?,
                cause: r.try_get(3).map_err(error)?,
                event: r.try_get(4).map_err(error)?,
                about: r.try_get(5).map_err(error)?,
                details: r.try_get(6).map_err(error)?,
                hash: r.try_get(7).and_then(hash).map_err(error)?,
            });
        }
        Ok(all)
    }

    async fn person_change(&self, login: &str, patch: &PersonPatch, expected: Option<u64>, by: &By, happens: bool) -> Result<u64> {
        bounded(self.change(login, patch, expected, by, happens)).await
    }

    async fn person_version(&self, login: &str) -> Result<Option<u64>> {
        let rows = self.server.ask("SELECT version FROM person WHERE login = $1", args![login]).await?;
        rows.first().map(|r| r.try_get::<i64, _>(0).map(|v| v as u64).map_err(error)).transpose()
    }

    async fn shown_html(&self, hash: &str, rules: u32) -> Result<Option<String>> {
        let rows = self.server.ask("SELECT html FROM shown_html WHERE hash = $1 AND rules = $2", args![hash, rules]).await?;
        rows.first().map(|r| r.try_get(0).map_err(error)).transpose()
    }

    async fn shown_html_put(&self, hash: &str, rules: u32, html: &str, (ticket, article): (TicketId, ArticleId)) -> Result<()> {
        let sql = "INSERT INTO shown_html (hash, rules, html) SELECT $1, $2, $3 \
             WHERE EXISTS (SELECT 1 FROM article WHERE ticket_id = $4 AND seq = $5 AND erased IS NULL) \
             ON CONFLICT (hash) DO UPDATE SET rules = excluded.rules, html = excluded.html";
        self.server.tell(sql, args![hash, rules, html, ticket, article]).await.map(|_| ())
    }
}
