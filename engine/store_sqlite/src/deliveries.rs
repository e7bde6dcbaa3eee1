//! What goes out: mail, programs, messages.

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
use vorgang_core::ids::TicketId;
use vorgang_store::deliveries::{Channel, Deliveries, Delivery, DeliveryState, End, Payload, Rank};
use vorgang_store::{Result, StoreError};

/// Rows that a sweep removes in one transaction.
const SWEEP: u32 = 5_000;
const DELIVERY: &str = "o.id, o.channel, o.lane, o.key, o.ticket_id, o.recipient, o.state, o.payload, o.created, o.due, o.attempts, o.error, \
     o.begun, o.digest";

fn delivery(r: &Row) -> rusqlite::Result<Delivery> {
    let payload: Payload = json(&r.get::<_, String>(7)?)?;
    Ok(Delivery {
        id: r.get(0)?,
        channel: word(r, 1, Channel::from_word)?,
        lane: r.get(2)?,
        key: r.get(3)?,
        ticket: r.get::<_, Option<i64>>(4)?.map(TicketId),
        number: payload.ticket,
        recipient: r.get(5)?,
        state: word(r, 6, DeliveryState::from_word)?,
        content: payload.content,
        created: time(r.get(8)?)?,
        due: time(r.get(9)?)?,
        attempts: r.get(10)?,
        error: r.get(11)?,
        begun: r.get(12)?,
        digest: r.get(13)?,
        trace: payload.trace,
    })
}

fn collect<T>(rows: impl Iterator<Item = rusqlite::Result<T>>) -> Result<Vec<T>> {
    rows.collect::<rusqlite::Result<_>>().map_err(error)
}

fn text(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| StoreError::Corrupt(e.to_string()))
}

/// Marks one attempt as ended.
fn end(c: &Connection, end: &End) -> rusqlite::Result<usize> {
    if end.state == DeliveryState::Sent {
        let sql = "UPDATE delivery SET state = 'sent', done = ?2, attempts = attempts + ?3, error = NULL, owner = NULL WHERE id = ?1";
        return c.prepare_cached(sql)?.execute(params![end.id, micros(end.at), end.attempts]);
    }
    // An attempt that comes late changes nothing of what was sent.
    let sql = "UPDATE delivery SET state = ?2, due = ?3, attempts = max(attempts + ?4, 0), error = ?5, owner = NULL \
         WHERE id = ?1 AND state = 'due'";
    c.prepare_cached(sql)?.execute(params![end.id, end.state.word(), micros(end.at), end.attempts, end.error])
}

#[async_trait]
impl Deliveries for SqliteStore {
    async fn delivery_count(&self, state: DeliveryState) -> Result<u64> {
        self.read(Kind::Mail, |c| {
            // By the index of what is open; what was sent is the rest of the table.
            let sql = match state {
                DeliveryState::Sent => "SELECT count(*) FROM delivery WHERE state = ?1",
                _ => "SELECT count(*) FROM delivery WHERE state = ?1 AND state <> 'sent'",
            };
            let mut statement = c.prepare_cached(sql).map_err(error)?;
            statement.query_row([state.word()], |r| r.get::<_, i64>(0)).map(|n| n as u64).map_err(error)
        })
        .await
    }

    async fn delivery_claim(&self, channel: Channel, now: Timestamp, limit: u32, busy: &[String]) -> Result<Vec<Delivery>> {
        let busy = text(&busy)?;
        let claimed = {
            let c = self.reader();
            let sql = format!(
                "SELECT {DELIVERY} FROM delivery o WHERE o.state = 'due' AND o.channel = ?1 AND o.rank = ?2 AND o.due <= ?3 \
                 AND o.lane NOT IN (SELECT value FROM json_each(?4)) ORDER BY o.due, o.id LIMIT ?5"
            );
            let mut all: Vec<Delivery> = vec![];
            for rank in Rank::ALL {
                let left = limit - (all.len() as u32).min(limit);
                if left == 0 {
                    break;
                }
                let mut statement = c.prepare_cached(&sql).map_err(error)?;
                let values = params![channel.word(), rank as i64, micros(now), busy, left];
                all.extend(collect(statement.query_map(values, delivery).map_err(error)?)?);
            }
            let digests: BTreeSet<&String> = all.iter().filter_map(|d| d.digest.as_ref()).collect();
            if !digests.is_empty() {
                let sql = format!(
                    "SELECT {DELIVERY} FROM delivery o WHERE o.digest IN (SELECT value FROM json_each(?1)) AND o.state = 'due' AND o.state <> 'sent'"
                );
                let mut statement = c.prepare_cached(&sql).map_err(error)?;
                let together: Vec<Delivery> = collect(statement.query_map([text(&digests)?], delivery).map_err(error)?)?;
                all.retain(|d| d.digest.is_none());
                all.extend(together);
            }
            all
        };
        if !claimed.is_empty() {
            let ids: Vec<i64> = claimed.iter().map(|d| d.id).collect();
            let counts = i64::from(channel.counts_beginnings());
            let claim = move |c: &Connection| {
                let sql = "UPDATE delivery SET due = ?2 + span, owner = ?3, begun = TRUE, attempts = attempts + ?4 \
                     WHERE id = ?1 AND state = 'due'";
                let mut statement = c.prepare_cached(sql)?;
                for id in &ids {
                    statement.execute(params![id, micros(now), THIS_PROCESS, counts])?;
                }
                Ok(0)
            };
            self.write(false, claim).await?;
        }
        Ok(claimed)
    }

    async fn delivery_digest(&self, ids: &[i64], digest: &str) -> Result<()> {
        let (ids, digest) = (text(&ids)?, digest.to_owned());
        let sql = "UPDATE delivery SET digest = ?2 WHERE id IN (SELECT value FROM json_each(?1))";
        self.write(false, move |c| c.execute(sql, params![ids, digest]).map(|n| n as i64)).await.map(|_| ())
    }

    async fn delivery_list(&self, rights: &Filter, state: DeliveryState, limit: u32, before: Option<i64>) -> Result<Vec<Delivery>> {
        let (condition, mut all) = sql_where(Plan::Gather, &self.names, &[rights]);
        all.insert(0, Value::Text(state.word().to_owned()));
        all.insert(1, Value::Integer(before.unwrap_or(i64::MAX)));
        all.push(Value::Integer(limit.into()));
        let sql = format!(
            "SELECT {DELIVERY} FROM delivery o LEFT JOIN ticket t ON t.id = o.ticket_id WHERE o.state = ? AND o.id < ? \
             AND (o.ticket_id IS NULL OR ({condition})) ORDER BY o.id DESC LIMIT ?"
        );
        self.read(Kind::Mail, |c| {
            let mut statement = c.prepare_cached(&sql).map_err(error)?;
            collect(statement.query_map(params_from_iter(&all), delivery).map_err(error)?)
        })
        .await
    }

    async fn delivery_find(&self, key: &str) -> Result<Option<Delivery>> {
        let c = self.reader();
        let mut statement = c.prepare_cached(&format!("SELECT {DELIVERY} FROM delivery o WHERE o.key = ?1")).map_err(error)?;
        statement.query_row([key], delivery).optional().map_err(error)
    }

    async fn delivery_wanted(&self, id: i64) -> Result<bool> {
        let c = self.reader();
        let mut statement = c.prepare_cached("SELECT 1 FROM delivery WHERE id = ?1 AND state = 'due'").map_err(error)?;
        statement.exists([id]).map_err(error)
    }

    async fn delivery_ended(&self, ends: &[End]) -> Result<()> {
        let ends = ends.to_vec();
        let all = move |c: &Connection| {
            for one in &ends {
                end(c, one)?;
            }
            Ok(0)
        };
        self.write(false, all).await.map(|_| ())
    }

    async fn delivery_release(&self, state: DeliveryState, id: Option<i64>, now: Timestamp) -> Result<u64> {
        let sql = "UPDATE delivery SET state = 'due', due = ?3, created = max(created, ?3), attempts = 0, error = NULL, owner = NULL \
             WHERE state = ?1 AND state <> 'sent' AND (?2 IS NULL OR id = ?2)";
        let release = move |c: &Connection| c.execute(sql, params![state.word(), id, micros(now)]).map(|n| n as i64);
        self.write(false, release).await.map(|n| n as u64)
    }

    async fn delivery_disown(&self, channel: Channel, under_way: &[i64]) -> Result<u64> {
        let under_way = text(&under_way)?;
        let sql = "UPDATE delivery SET due = created, owner = NULL WHERE owner = ?1 AND state = 'due' AND channel = ?2 \
             AND id NOT IN (SELECT value FROM json_each(?3))";
        let disown = move |c: &Connection| c.execute(sql, params![THIS_PROCESS, channel.word(), under_way]).map(|n| n as i64);
        self.write(false, disown).await.map(|n| n as u64)
    }

    async fn delivery_pull_back(&self, channel: Channel, latest: Timestamp, now: Timestamp) -> Result<u64> {
        let sql = "UPDATE delivery SET due = ?3 WHERE state = 'due' AND channel = ?1 AND due > ?2";
        let pull = move |c: &Connection| c.execute(sql, params![channel.word(), micros(latest), micros(now)]).map(|n| n as i64);
        self.write(false, pull).await.map(|n| n as u64)
    }

    async fn sweep(&self, sent: Timestamp, keys: Timestamp) -> Result<u64> {
        let sweep = move |c: &Connection| {
            let (sent, keys) = (micros(sent), micros(keys));
            let all: [(&str, i64); 3] = [
                ("DELETE FROM delivery WHERE id IN (SELECT id FROM delivery WHERE state = 'sent' AND done < ?1 LIMIT ?2)", sent),
                ("DELETE FROM message WHERE id IN (SELECT id FROM message WHERE closed < ?1 LIMIT ?2)", sent),
                ("DELETE FROM idempotency WHERE (person_id, key) IN (SELECT person_id, key FROM idempotency WHERE at < ?1 LIMIT ?2)", keys),
            ];
            let mut gone = 0;
            for (sql, before) in all {
                gone += c.execute(sql, params![before, SWEEP])? as i64;
            }
            Ok(gone)
        };
        self.write(false, sweep).await.map(|n| n as u64)
    }
}
