//! Notifications and the outbox.

use crate::arg::{Arg, args};
use crate::filter_sql::{Plan, Sql};
use crate::rows::{error, json, micros, text, time, word};
use crate::store::PostgresStore;
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::collections::BTreeSet;
use vorgang_core::filter::Filter;
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_core::people::Settings;
use vorgang_store::messages::{MailRow, MailState, Messages, NotificationRow, Payload};
use vorgang_store::{Result, StoreError};

/// Rows that a sweep removes in one transaction.
const SWEEP: u32 = 5_000;
const MAIL: &str = "o.id, o.key, o.ticket_id, o.recipient, o.state, o.payload, o.created, o.due, o.attempts, o.error, o.channel, o.digest,";

/// Whether it was claimed before, as a column of [`MAIL`].
const BEGUN: &str = "o.begun";

fn mail_row(r: &PgRow) -> Result<MailRow> {
    let payload: Payload = json(r.try_get(5).map_err(error)?)?;
    let (number, notification, sees) = (payload.ticket.clone(), payload.notification.clone(), payload.sees);
    let trace = payload.trace.clone();
    let (subject, body, outgoing) = payload.parts();
    Ok(MailRow {
        id: r.try_get(0).map_err(error)?,
        key: r.try_get(1).map_err(error)?,
        ticket: r.try_get(2).map(TicketId).map_err(error)?,
        number,
        recipient: r.try_get(3).map_err(error)?,
        state: word(r, 4, MailState::from_word).map_err(error)?,
        notification,
        subject,
        body,
        outgoing,
        sees,
        created: r.try_get(6).and_then(time).map_err(error)?,
        due: r.try_get(7).and_then(time).map_err(error)?,
        attempts: r.try_get::<i64, _>(8).map_err(error)? as u32,
        error: r.try_get(9).map_err(error)?,
        channel: r.try_get(10).map_err(error)?,
        digest: r.try_get(11).map_err(error)?,
        begun: r.try_get(12).map_err(error)?,
        trace,
    })
}

impl PostgresStore {
    pub(crate) async fn count(&self, sql: &'static str, args: Vec<Arg>) -> Result<u64> {
        let rows = self.server.ask(sql, args).await?;
        rows[0].try_get::<i64, _>(0).map(|n| n as u64).map_err(error)
    }
}

#[async_trait]
impl Messages for PostgresStore {
    async fn notification_list(&self, login: &str, limit: u32) -> Result<Vec<NotificationRow>> {
        let Some(person) = self.person_id(login).await? else { return Ok(vec![]) };
        let sql = "SELECT id, number, name, subject, body, at, read IS NOT NULL, instead_of FROM notification \
             WHERE person_id = $1 ORDER BY id DESC LIMIT $2";
        let mut all = vec![];
        for r in self.server.ask(sql, args![person, limit]).await? {
            all.push(NotificationRow {
                id: r.try_get(0).map_err(error)?,
                number: r.try_get::<String, _>(1).map(TicketNumber::from).map_err(error)?,
                name: r.try_get(2).map_err(error)?,
                subject: r.try_get(3).map_err(error)?,
                body: r.try_get(4).map_err(error)?,
                at: r.try_get(5).and_then(time).map_err(error)?,
                read: r.try_get(6).map_err(error)?,
                instead_of: r.try_get(7).map_err(error)?,
            });
        }
        Ok(all)
    }

    async fn notification_unread(&self, login: &str) -> Result<u64> {
        let Some(person) = self.person_id(login).await? else { return Ok(0) };
        self.count("SELECT count(*) FROM notification WHERE person_id = $1 AND read IS NULL", args![person]).await
    }

    async fn notifications_read(&self, login: &str, id: Option<i64>, at: Timestamp) -> Result<Option<String>> {
        let Some(person) = self.person_id(login).await? else { return Ok(None) };
        let sql = "UPDATE notification SET read = $3 WHERE person_id = $1 AND ($2::bigint IS NULL OR id = $2) AND read IS NULL";
        self.server.tell(sql, args![person, id, micros(at)]).await?;
        let rows = self.server.ask("SELECT number FROM notification WHERE person_id = $1 AND id = $2", args![person, id]).await?;
        rows.first().map(|r| r.try_get(0).map_err(error)).transpose()
    }

    async fn settings_save(&self, login: &str, settings: &Settings) -> Result<()> {
        let sql = "WITH mark AS (UPDATE mark SET value = value + 1 WHERE name = 'people') \
             UPDATE person SET settings = $2 WHERE login = $1 RETURNING 1";
        let changed = self.server.tell(sql, args![login, text(settings)?]).await?;
        if changed.is_empty() { Err(StoreError::NotFound) } else { Ok(()) }
    }

    async fn mail_count(&self, state: MailState) -> Result<u64> {
        // By the index of what is open; what was sent is the rest of the table.
        let sql = match state {
            MailState::Sent => "SELECT count(*) FROM outbox WHERE state = $1",
            _ => "SELECT count(*) FROM outbox WHERE state = $1 AND state <> 'sent'",
        };
        self.count(sql, args![state.word()]).await
    }

    async fn mail_claim(&self, now: Timestamp, until: Timestamp, limit: u32, busy: &[String]) -> Result<Vec<MailRow>> {
        // Only a node that is there claims anything: the claims of one that was taken for dead are free.
        let claim = format!(
            "UPDATE outbox o SET due = $2, owner = me.id, begun = TRUE FROM due, me WHERE o.id = due.at RETURNING {MAIL} due.begun"
        );
        let sql = format!(
            "WITH me AS MATERIALIZED (SELECT id FROM node WHERE id = $5 FOR KEY SHARE), \
             due AS MATERIALIZED (SELECT id AS at, begun FROM outbox WHERE state = 'due' AND state <> 'sent' AND due <= $1 \
             AND NOT channel = ANY ($4) ORDER BY due, id LIMIT $3 FOR UPDATE SKIP LOCKED) {claim}"
        );
        let values = args![micros(now), micros(until), limit, busy.to_vec(), self.node.id()];
        let mut mails = self.server.tell(sql, values).await?.iter().map(mail_row).collect::<Result<Vec<_>>>()?;
        let digests: BTreeSet<String> = mails.iter().filter_map(|m| m.digest.clone()).collect();
        if !digests.is_empty() {
            let sql = format!(
                "WITH me AS MATERIALIZED (SELECT id FROM node WHERE id = $3 FOR KEY SHARE), \
                 due AS MATERIALIZED (SELECT id AS at, begun FROM outbox WHERE state = 'due' AND state <> 'sent' \
                 AND (owner IS NULL OR due <= $4) AND digest = ANY ($1) FOR UPDATE SKIP LOCKED) {claim}"
            );
            let values = args![Vec::from_iter(digests), micros(until), self.node.id(), micros(now)];
            mails.extend(self.server.tell(sql, values).await?.iter().map(mail_row).collect::<Result<Vec<_>>>()?);
        }
        mails.sort_by_key(|m| m.id);
        Ok(mails)
    }

    async fn mail_digest(&self, ids: &[i64], digest: &str) -> Result<()> {
        self.server.tell("UPDATE outbox SET digest = $2 WHERE id = ANY ($1)", args![ids.to_vec(), digest]).await.map(|_| ())
    }

    async fn mail_list(&self, rights: &Filter, state: MailState, limit: u32, before: Option<i64>) -> Result<Vec<MailRow>> {
        let sql = Sql::new(
            format!("SELECT {MAIL} {BEGUN} FROM outbox o JOIN ticket t ON t.id = o.ticket_id WHERE o.state = "),
            &self.names,
            Plan::Gather,
        )
        .arg(state.word())
        .push(" AND o.id < ")
        .arg(before.unwrap_or(i64::MAX))
        .push(" AND ")
        .all(&[rights])
        .push(" ORDER BY o.id DESC LIMIT ")
        .arg(limit);
        self.server.ask(sql.text, sql.args).await?.iter().map(mail_row).collect()
    }

    async fn mail_find(&self, key: &str) -> Result<Option<MailRow>> {
        let rows = self.server.ask(format!("SELECT {MAIL} {BEGUN} FROM outbox o WHERE o.key = $1"), args![key]).await?;
        rows.first().map(mail_row).transpose()
    }

    async fn mail_sent(&self, ids: &[i64], at: Timestamp) -> Result<()> {
        let sql = "UPDATE outbox SET state = 'sent', done = $2, attempts = attempts + 1, error = NULL, owner = NULL WHERE id = ANY ($1)";
        self.server.tell(sql, args![ids.to_vec(), micros(at)]).await.map(|_| ())
    }

    async fn mail_attempted(&self, ids: &[i64], state: MailState, due: Timestamp, message: &str) -> Result<()> {
        // An attempt that comes late changes nothing of what was sent, or belongs to another node by now.
        let sql = "UPDATE outbox SET state = $2, due = $3, attempts = attempts + 1, error = $4, owner = NULL \
             WHERE id = ANY ($1) AND state = 'due' AND (owner IS NULL OR owner = $5)";
        self.server.tell(sql, args![ids.to_vec(), state.word(), micros(due), message, self.node.id()]).await.map(|_| ())
    }

    async fn mail_release(&self, state: MailState, id: Option<i64>, now: Timestamp) -> Result<u64> {
        let sql = "UPDATE outbox SET state = 'due', due = $3, created = greatest(created, $3), attempts = 0, error = NULL, owner = NULL \
             WHERE state = $1 AND state <> 'sent' AND ($2::bigint IS NULL OR id = $2) RETURNING 1";
        Ok(self.server.tell(sql, args![state.word(), id, micros(now)]).await?.len() as u64)
    }

    async fn mail_disown(&self, under_way: &[i64]) -> Result<u64> {
        let sql = "UPDATE outbox SET due = created, owner = NULL WHERE owner = $1 AND state = 'due' AND state <> 'sent' \
             AND NOT id = ANY ($2) RETURNING 1";
        self.server.tell(sql, args![self.node.id(), under_way.to_vec()]).await.map(|rows| rows.len() as u64)
    }

    async fn mail_pull_back(&self, latest: Timestamp, now: Timestamp) -> Result<u64> {
        let sql = "UPDATE outbox SET due = $2 WHERE state = 'due' AND state <> 'sent' AND due > $1 RETURNING 1";
        Ok(self.server.tell(sql, args![micros(latest), micros(now)]).await?.len() as u64)
    }

    async fn sweep(&self, mail: Timestamp, keys: Timestamp) -> Result<u64> {
        let all: [(&'static str, i64); 3] = [
            (
                "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state = 'sent' AND done < $1 LIMIT $2) RETURNING 1",
                micros(mail),
            ),
            ("DELETE FROM message WHERE id IN (SELECT id FROM message WHERE closed < $1 LIMIT $2) RETURNING 1", micros(mail)),
            (
                "DELETE FROM idempotency WHERE (person_id, key) IN (SELECT person_id, key FROM idempotency WHERE at < $1 LIMIT $2) RETURNING 1",
                micros(keys),
            ),
        ];
        let mut gone = 0;
        for (sql, before) in all {
            gone += self.server.tell(sql, args![before, SWEEP]).await?.len() as u64;
        }
        Ok(gone)
    }
}
