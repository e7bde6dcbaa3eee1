//! Notifications and the outbox.

use crate::claims::THIS_PROCESS;
use crate::filter_sql::{Plan, sql_where};
use crate::open::SqliteStore;
use crate::reads::Kind;
use crate::rows::{error, json, micros, time, word};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use std::collections::BTreeSet;
use vorgang_core::filter::Filter;
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_core::people::Settings;
use vorgang_store::messages::{MailRow, MailState, Messages, NotificationRow, Payload};
use vorgang_store::{Result, StoreError};

/// Rows that a sweep removes in one transaction.
const SWEEP: u32 = 5_000;
const MAIL: &str =
    "o.id, o.key, o.ticket_id, o.recipient, o.state, o.payload, o.created, o.due, o.attempts, o.error, o.channel, o.begun, o.digest";

fn mail_row(r: &Row) -> rusqlite::Result<MailRow> {
    let payload: Payload = json(&r.get::<_, String>(5)?)?;
    let (number, notification, sees) = (payload.ticket.clone(), payload.notification.clone(), payload.sees);
    let trace = payload.trace.clone();
    let (subject, body, outgoing) = payload.parts();
    Ok(MailRow {
        id: r.get(0)?,
        key: r.get(1)?,
        ticket: r.get(2).map(TicketId)?,
        number,
        recipient: r.get(3)?,
        state: word(r, 4, MailState::from_word)?,
        notification,
        subject,
        body,
        outgoing,
        sees,
        created: time(r.get(6)?)?,
        due: time(r.get(7)?)?,
        attempts: r.get(8)?,
        error: r.get(9)?,
        channel: r.get(10)?,
        begun: r.get(11)?,
        digest: r.get(12)?,
        trace,
    })
}

fn collect<T>(rows: impl Iterator<Item = rusqlite::Result<T>>) -> Result<Vec<T>> {
    rows.collect::<rusqlite::Result<_>>().map_err(error)
}

/// Several rows, one after the other: their number is small.
fn each(c: &Connection, ids: &[i64], one: impl Fn(&Connection, i64) -> rusqlite::Result<usize>) -> rusqlite::Result<i64> {
    let mut changed = 0;
    for id in ids {
        changed += one(c, *id)?;
    }
    Ok(changed as i64)
}

fn text(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| StoreError::Corrupt(e.to_string()))
}

#[async_trait]
impl Messages for SqliteStore {
    async fn notification_list(&self, login: &str, limit: u32) -> Result<Vec<NotificationRow>> {
        let Some(person) = self.names.person(login) else { return Ok(vec![]) };
        self.read(Kind::Mail, |c| {
            let sql =
                "SELECT id, number, name, subject, body, at, read, instead_of FROM notification WHERE person_id = ?1 ORDER BY id DESC LIMIT ?2";
            let mut statement = c.prepare_cached(sql).map_err(error)?;
            let row = |r: &Row| {
                Ok(NotificationRow {
                    id: r.get(0)?,
                    number: r.get::<_, String>(1).map(TicketNumber::from)?,
                    name: r.get(2)?,
                    subject: r.get(3)?,
                    body: r.get(4)?,
                    at: time(r.get(5)?)?,
                    read: r.get::<_, Option<i64>>(6)?.is_some(),
                    instead_of: r.get(7)?,
                })
            };
            collect(statement.query_map(params![person, limit], row).map_err(error)?)
        })
        .await
    }

    async fn notification_unread(&self, login: &str) -> Result<u64> {
        let Some(person) = self.names.person(login) else { return Ok(0) };
        self.read(Kind::Mail, |c| {
            let mut statement =
                c.prepare_cached("SELECT count(*) FROM notification WHERE person_id = ?1 AND read IS NULL").map_err(error)?;
            statement.query_row([person], |r| r.get::<_, i64>(0)).map(|n| n as u64).map_err(error)
        })
        .await
    }

    async fn notifications_read(&self, login: &str, id: Option<i64>, at: Timestamp) -> Result<Option<String>> {
        let Some(person) = self.names.person(login) else { return Ok(None) };
        let sql = "UPDATE notification SET read = ?3 WHERE person_id = ?1 AND (?2 IS NULL OR id = ?2) AND read IS NULL";
        self.write(false, move |c| c.execute(sql, params![person, id, micros(at)]).map(|n| n as i64)).await?;
        let sql = "SELECT number FROM notification WHERE person_id = ?1 AND id = ?2";
        self.reader().query_row(sql, params![person, id], |r| r.get(0)).optional().map_err(error)
    }

    async fn settings_save(&self, login: &str, settings: &Settings) -> Result<()> {
        let (login, settings) = (login.to_owned(), serde_json::to_string(settings).map_err(|e| StoreError::Corrupt(e.to_string()))?);
        let save =
            move |c: &Connection| c.execute("UPDATE person SET settings = ?2 WHERE login = ?1", params![login, settings]).map(|n| n as i64);
        if self.write(false, save).await? == 1 { Ok(()) } else { Err(StoreError::NotFound) }
    }

    async fn mail_count(&self, state: MailState) -> Result<u64> {
        self.read(Kind::Mail, |c| {
            // By the index of what is open; what was sent is the rest of the table.
            let sql = match state {
                MailState::Sent => "SELECT count(*) FROM outbox WHERE state = ?1",
                _ => "SELECT count(*) FROM outbox WHERE state = ?1 AND state <> 'sent'",
            };
            let mut statement = c.prepare_cached(sql).map_err(error)?;
            statement.query_row([state.word()], |r| r.get::<_, i64>(0)).map(|n| n as u64).map_err(error)
        })
        .await
    }

    async fn mail_claim(&self, now: Timestamp, until: Timestamp, limit: u32, busy: &[String]) -> Result<Vec<MailRow>> {
        let sql = format!(
            "SELECT {MAIL} FROM outbox o WHERE o.state = 'due' AND o.state <> 'sent' AND o.due <= ?1 \
             AND o.channel NOT IN (SELECT value FROM json_each(?3)) ORDER BY o.due, o.id LIMIT ?2"
        );
        let busy = text(&busy)?;
        let mails: Vec<MailRow> = {
            let c = self.reader();
            let mut statement = c.prepare_cached(&sql).map_err(error)?;
            let mut mails: Vec<MailRow> = collect(statement.query_map(params![micros(now), limit, busy], mail_row).map_err(error)?)?;
            let digests: BTreeSet<&String> = mails.iter().filter_map(|m| m.digest.as_ref()).collect();
            if !digests.is_empty() {
                let sql = format!(
                    "SELECT {MAIL} FROM outbox o WHERE o.digest IN (SELECT value FROM json_each(?1)) AND o.state = 'due' AND o.state <> 'sent'"
                );
                let mut statement = c.prepare_cached(&sql).map_err(error)?;
                let together: Vec<MailRow> = collect(statement.query_map([text(&digests)?], mail_row).map_err(error)?)?;
                mails.retain(|m| m.digest.is_none());
                mails.extend(together);
            }
            mails
        };
        if !mails.is_empty() {
            let ids: Vec<i64> = mails.iter().map(|m| m.id).collect();
            let sql = "UPDATE outbox SET due = ?2, owner = ?3, begun = TRUE WHERE id = ?1 AND state = 'due'";
            self.write(false, move |c| each(c, &ids, |c, id| c.execute(sql, params![id, micros(until), THIS_PROCESS]))).await?;
        }
        Ok(mails)
    }

    async fn mail_digest(&self, ids: &[i64], digest: &str) -> Result<()> {
        let (ids, digest) = (ids.to_vec(), digest.to_owned());
        let sql = "UPDATE outbox SET digest = ?2 WHERE id = ?1";
        self.write(false, move |c| each(c, &ids, |c, id| c.execute(sql, params![id, digest]))).await.map(|_| ())
    }

    async fn mail_list(&self, rights: &Filter, state: MailState, limit: u32, before: Option<i64>) -> Result<Vec<MailRow>> {
        let (condition, mut all) = sql_where(Plan::Gather, &self.names, &[rights]);
        all.insert(0, Value::Text(state.word().to_owned()));
        all.insert(1, Value::Integer(before.unwrap_or(i64::MAX)));
        all.push(Value::Integer(limit.into()));
        let sql = format!(
            "SELECT {MAIL} FROM outbox o JOIN ticket t ON t.id = o.ticket_id WHERE o.state = ? AND o.id < ? AND {condition} ORDER BY o.id DESC LIMIT ?"
        );
        self.read(Kind::Mail, |c| {
            let mut statement = c.prepare_cached(&sql).map_err(error)?;
            collect(statement.query_map(params_from_iter(&all), mail_row).map_err(error)?)
        })
        .await
    }

    async fn mail_find(&self, key: &str) -> Result<Option<MailRow>> {
        let c = self.reader();
        let mut statement = c.prepare_cached(&format!("SELECT {MAIL} FROM outbox o WHERE o.key = ?1")).map_err(error)?;
        statement.query_row([key], mail_row).optional().map_err(error)
    }

    async fn mail_sent(&self, ids: &[i64], at: Timestamp) -> Result<()> {
        let ids = ids.to_vec();
        let sql = "UPDATE outbox SET state = 'sent', done = ?2, attempts = attempts + 1, error = NULL, owner = NULL WHERE id = ?1";
        self.write(false, move |c| each(c, &ids, |c, id| c.execute(sql, params![id, micros(at)]))).await.map(|_| ())
    }

    async fn mail_attempted(&self, ids: &[i64], state: MailState, due: Timestamp, message: &str) -> Result<()> {
        let (ids, message) = (ids.to_vec(), message.to_owned());
        // An attempt that comes late changes nothing of what was sent.
        let sql =
            "UPDATE outbox SET state = ?2, due = ?3, attempts = attempts + 1, error = ?4, owner = NULL WHERE id = ?1 AND state = 'due'";
        let one = move |c: &Connection, id: i64| c.execute(sql, params![id, state.word(), micros(due), message]);
        self.write(false, move |c| each(c, &ids, one)).await.map(|_| ())
    }

    async fn mail_release(&self, state: MailState, id: Option<i64>, now: Timestamp) -> Result<u64> {
        let sql = "UPDATE outbox SET state = 'due', due = ?3, created = max(created, ?3), attempts = 0, error = NULL, owner = NULL \
             WHERE state = ?1 AND state <> 'sent' AND (?2 IS NULL OR id = ?2)";
        let release = move |c: &Connection| c.execute(sql, params![state.word(), id, micros(now)]).map(|n| n as i64);
        self.write(false, release).await.map(|n| n as u64)
    }

    async fn mail_disown(&self, under_way: &[i64]) -> Result<u64> {
        let under_way = text(&under_way)?;
        let sql = "UPDATE outbox SET due = created, owner = NULL WHERE owner = ?1 AND state = 'due' AND state <> 'sent' \
             AND id NOT IN (SELECT value FROM json_each(?2))";
        let disown = move |c: &Connection| c.execute(sql, params![THIS_PROCESS, under_way]).map(|n| n as i64);
        self.write(false, disown).await.map(|n| n as u64)
    }

    async fn mail_pull_back(&self, latest: Timestamp, now: Timestamp) -> Result<u64> {
        let sql = "UPDATE outbox SET due = ?2 WHERE state = 'due' AND state <> 'sent' AND due > ?1";
        let times = [micros(latest), micros(now)];
        self.write(false, move |c| c.execute(sql, times).map(|n| n as i64)).await.map(|n| n as u64)
    }

    async fn sweep(&self, mail: Timestamp, keys: Timestamp) -> Result<u64> {
        let sweep = move |c: &Connection| {
            let sent = "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state = 'sent' AND done < ?1 LIMIT ?2)";
            let used = "DELETE FROM idempotency WHERE (person_id, key) IN (SELECT person_id, key FROM idempotency WHERE at < ?1 LIMIT ?2)";
            let read = "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE closed < ?1 LIMIT ?2)";
            let read = c.execute(read, params![micros(mail), SWEEP])?;
            let (sent, used) = (c.execute(sent, params![micros(mail), SWEEP])?, c.execute(used, params![micros(keys), SWEEP])?);
            Ok((read + sent + used) as i64)
        };
        self.write(false, sweep).await.map(|n| n as u64)
    }
}
