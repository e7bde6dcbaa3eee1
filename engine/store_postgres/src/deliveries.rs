//! What goes out: mail, programs, messages.

use crate::arg::args;
use crate::filter_sql::{Plan, Sql};
use crate::rows::{error, json, micros, time, word};
use crate::store::PostgresStore;
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::collections::BTreeSet;
use vorgang_core::filter::Filter;
use vorgang_core::ids::TicketId;
use vorgang_store::Result;
use vorgang_store::deliveries::{Channel, Deliveries, Delivery, DeliveryState, End, Payload};

/// Rows that a sweep removes in one transaction.
const SWEEP: u32 = 5_000;
const DELIVERY: &str = "o.id, o.channel, o.lane, o.key, o.ticket_id, o.recipient, o.state, o.payload, o.created, o.due, o.error, o.digest,";
/// The last columns, as they are in the row.
const NOW: &str = "o.attempts, o.begun";
/// The last columns, as they were before a claim.
const BEFORE: &str = "due.attempts, due.begun";

fn delivery(r: &PgRow) -> Result<Delivery> {
    let payload: Payload = json(r.try_get(7).map_err(error)?)?;
    Ok(Delivery {
        id: r.try_get(0).map_err(error)?,
        channel: word(r, 1, Channel::from_word).map_err(error)?,
        lane: r.try_get(2).map_err(error)?,
        key: r.try_get(3).map_err(error)?,
        ticket: r.try_get::<Option<i64>, _>(4).map_err(error)?.map(TicketId),
        number: payload.ticket,
        recipient: r.try_get(5).map_err(error)?,
        state: word(r, 6, DeliveryState::from_word).map_err(error)?,
        content: payload.content,
        created: r.try_get(8).and_then(time).map_err(error)?,
        due: r.try_get(9).and_then(time).map_err(error)?,
        error: r.try_get(10).map_err(error)?,
        digest: r.try_get(11).map_err(error)?,
        attempts: r.try_get::<i64, _>(12).map_err(error)? as u32,
        begun: r.try_get(13).map_err(error)?,
        trace: payload.trace,
    })
}

/// The deliveries of one rank that are due: `$1` is the channel, `$2` now, `$3` how many, `$4` the busy lanes.
fn due_of(rank: u32) -> String {
    format!(
        "(SELECT id, rank, due, attempts, begun FROM delivery WHERE state = 'due' AND channel = $1 AND rank = {rank} AND due <= $2 \
         AND NOT lane = ANY ($4) ORDER BY due, id LIMIT $3 FOR UPDATE SKIP LOCKED)"
    )
}

#[async_trait]
impl Deliveries for PostgresStore {
    async fn delivery_count(&self, state: DeliveryState) -> Result<u64> {
        // By the index of what is open; what was sent is the rest of the table.
        let sql = match state {
            DeliveryState::Sent => "SELECT count(*) FROM delivery WHERE state = $1",
            _ => "SELECT count(*) FROM delivery WHERE state = $1 AND state <> 'sent'",
        };
        self.count(sql, args![state.word()]).await
    }

    async fn delivery_claim(&self, channel: Channel, now: Timestamp, limit: u32, busy: &[String]) -> Result<Vec<Delivery>> {
        // Only a node that is there claims anything: the claims of one that was taken for dead are free. What a claim locks and
        // then leaves, as there was enough of a higher rank, comes free with its end.
        let claim = format!(
            "UPDATE delivery o SET due = $2 + o.span, owner = me.id, begun = TRUE, attempts = o.attempts + $6 \
             FROM due, me WHERE o.id = due.id RETURNING {DELIVERY} {BEFORE}"
        );
        let sql = format!(
            "WITH me AS MATERIALIZED (SELECT id FROM node WHERE id = $5 FOR KEY SHARE), \
             all_due AS MATERIALIZED (SELECT * FROM {} a UNION ALL SELECT * FROM {} b UNION ALL SELECT * FROM {} c), \
             due AS MATERIALIZED (SELECT * FROM all_due ORDER BY rank, due, id LIMIT $3) {claim}",
            due_of(0),
            due_of(1),
            due_of(2)
        );
        let counts = i64::from(channel.counts_beginnings());
        let values = args![channel.word(), micros(now), limit, busy.to_vec(), self.node.id(), counts];
        let mut claimed = self.server.tell(sql, values).await?.iter().map(delivery).collect::<Result<Vec<_>>>()?;
        let digests: BTreeSet<String> = claimed.iter().filter_map(|d| d.digest.clone()).collect();
        if !digests.is_empty() {
            let claim = format!(
                "UPDATE delivery o SET due = $2 + o.span, owner = me.id, begun = TRUE FROM due, me WHERE o.id = due.id \
                 RETURNING {DELIVERY} {BEFORE}"
            );
            let sql = format!(
                "WITH me AS MATERIALIZED (SELECT id FROM node WHERE id = $3 FOR KEY SHARE), \
                 due AS MATERIALIZED (SELECT id, attempts, begun FROM delivery WHERE state = 'due' AND state <> 'sent' \
                 AND (owner IS NULL OR due <= $2) AND digest = ANY ($1) FOR UPDATE SKIP LOCKED) {claim}"
            );
            let values = args![Vec::from_iter(digests), micros(now), self.node.id()];
            claimed.extend(self.server.tell(sql, values).await?.iter().map(delivery).collect::<Result<Vec<_>>>()?);
        }
        claimed.sort_by_key(|d| d.id);
        Ok(claimed)
    }

    async fn delivery_digest(&self, ids: &[i64], digest: &str) -> Result<()> {
        self.server.tell("UPDATE delivery SET digest = $2 WHERE id = ANY ($1)", args![ids.to_vec(), digest]).await.map(|_| ())
    }

    async fn delivery_list(&self, rights: &Filter, state: DeliveryState, limit: u32, before: Option<i64>) -> Result<Vec<Delivery>> {
        let sql = Sql::new(
            format!("SELECT {DELIVERY} {NOW} FROM delivery o LEFT JOIN ticket t ON t.id = o.ticket_id WHERE o.state = "),
            &self.names,
            Plan::Gather,
        )
        .arg(state.word())
        .push(" AND o.id < ")
        .arg(before.unwrap_or(i64::MAX))
        .push(" AND (o.ticket_id IS NULL OR (")
        .all(&[rights])
        .push(")) ORDER BY o.id DESC LIMIT ")
        .arg(limit);
        self.server.ask(sql.text, sql.args).await?.iter().map(delivery).collect()
    }

    async fn delivery_find(&self, key: &str) -> Result<Option<Delivery>> {
        let rows = self.server.ask(format!("SELECT {DELIVERY} {NOW} FROM delivery o WHERE o.key = $1"), args![key]).await?;
        rows.first().map(delivery).transpose()
    }

    async fn delivery_wanted(&self, id: i64) -> Result<bool> {
        Ok(!self.server.ask("SELECT 1 FROM delivery WHERE id = $1 AND state = 'due'", args![id]).await?.is_empty())
    }

    async fn delivery_ended(&self, ends: &[End]) -> Result<()> {
        let column = |of: fn(&End) -> i64| ends.iter().map(of).collect::<Vec<i64>>();
        let states: Vec<String> = ends.iter().map(|e| e.state.word().to_owned()).collect();
        // An array has no place for "none": an empty text stands for it.
        let errors: Vec<String> = ends.iter().map(|e| e.error.clone().unwrap_or_default()).collect();
        // An attempt that comes late changes nothing of what was sent, or belongs to another node by now.
        let sql = "UPDATE delivery o SET state = x.state, due = CASE WHEN x.state = 'sent' THEN o.due ELSE x.at END, \
             done = CASE WHEN x.state = 'sent' THEN x.at ELSE o.done END, attempts = greatest(o.attempts + x.more, 0), \
             error = nullif(x.error, ''), owner = NULL \
             FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[]) x (id, state, at, more, error) \
             WHERE o.id = x.id AND (x.state = 'sent' OR (o.state = 'due' AND (o.owner IS NULL OR o.owner = $6)))";
        let values = args![column(|e| e.id), states, column(|e| micros(e.at)), column(|e| e.attempts), errors, self.node.id()];
        self.server.tell(sql, values).await.map(|_| ())
    }

    async fn delivery_release(&self, state: DeliveryState, id: Option<i64>, now: Timestamp) -> Result<u64> {
        let sql = "UPDATE delivery SET state = 'due', due = $3, created = greatest(created, $3), attempts = 0, error = NULL, owner = NULL \
             WHERE state = $1 AND state <> 'sent' AND ($2::bigint IS NULL OR id = $2) RETURNING 1";
        Ok(self.server.tell(sql, args![state.word(), id, micros(now)]).await?.len() as u64)
    }

    async fn delivery_disown(&self, channel: Channel, under_way: &[i64]) -> Result<u64> {
        let sql = "UPDATE delivery SET due = created, owner = NULL WHERE owner = $1 AND state = 'due' AND channel = $3 \
             AND NOT id = ANY ($2) RETURNING 1";
        self.server.tell(sql, args![self.node.id(), under_way.to_vec(), channel.word()]).await.map(|rows| rows.len() as u64)
    }

    async fn delivery_pull_back(&self, channel: Channel, latest: Timestamp, now: Timestamp) -> Result<u64> {
        let sql = "UPDATE delivery SET due = $3 WHERE state = 'due' AND channel = $1 AND due > $2 RETURNING 1";
        Ok(self.server.tell(sql, args![channel.word(), micros(latest), micros(now)]).await?.len() as u64)
    }

    async fn sweep(&self, sent: Timestamp, keys: Timestamp) -> Result<u64> {
        let all: [(&'static str, i64); 3] = [
            (
                "DELETE FROM delivery WHERE id IN (SELECT id FROM delivery WHERE state = 'sent' AND done < $1 LIMIT $2) RETURNING 1",
                micros(sent),
            ),
            ("DELETE FROM message WHERE id IN (SELECT id FROM message WHERE closed < $1 LIMIT $2) RETURNING 1", micros(sent)),
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
