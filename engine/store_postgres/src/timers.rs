//! Timers that are due, and those that count in a calendar.

use crate::arg::args;
use crate::rows::{error, json, micros, time};
use crate::store::PostgresStore;
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;
use vorgang_core::ids::{Seq, TicketId, TicketNumber, TimerId};
use vorgang_store::{CountedTimer, DueTimer, Result, Timers};

fn due_timer(r: &PgRow) -> Result<DueTimer> {
    let seq = r.try_get::<i64, _>(2).map_err(error)? as Seq;
    let due = r.try_get(3).and_then(time).map_err(error)?;
    Ok(DueTimer {
        ticket: r.try_get(0).map(TicketId).map_err(error)?,
        number: r.try_get::<String, _>(1).map(TicketNumber::from).map_err(error)?,
        seq: TimerId(seq),
        due,
    })
}

#[async_trait]
impl Timers for PostgresStore {
    async fn timers_due(&self, now: Timestamp, limit: u32) -> Result<Vec<DueTimer>> {
        let due = self.server.ask("SELECT 1 FROM timer WHERE due <= $1 LIMIT 1", args![micros(now)]).await?;
        if due.is_empty() {
            return Ok(vec![]);
        }
        // What a node that is gone was about to fire is free.
        let sql = "WITH due AS MATERIALIZED (SELECT m.ticket_id, m.seq FROM timer m WHERE m.due <= $1 AND \
             (m.claimed IS NULL OR m.claimed = $3 OR NOT EXISTS (SELECT 1 FROM node n WHERE n.id = m.claimed)) \
             ORDER BY m.due LIMIT $2 FOR UPDATE SKIP LOCKED), \
             mine AS (UPDATE timer m SET claimed = $3 FROM due d WHERE m.ticket_id = d.ticket_id AND m.seq = d.seq \
             RETURNING m.ticket_id, m.seq, m.due) \
             SELECT t.id, t.number, m.seq, m.due FROM mine m JOIN ticket t ON t.id = m.ticket_id ORDER BY m.due, t.id, m.seq";
        self.server.tell(sql, args![micros(now), limit, self.node.id()]).await?.iter().map(due_timer).collect()
    }

    async fn timers_counted(&self, after: (TicketId, TimerId), limit: u32) -> Result<Vec<CountedTimer>> {
        let sql = "SELECT t.id, t.number, m.state FROM timer m JOIN ticket t ON t.id = m.ticket_id \
             WHERE (m.ticket_id, m.seq) > ($1, $2) AND m.calendar IS NOT NULL ORDER BY m.ticket_id, m.seq LIMIT $3";
        let rows = self.server.ask(sql, args![after.0, after.1, limit]).await?;
        let row = |r: &PgRow| {
            let timer = json(r.try_get(2).map_err(error)?)?;
            Ok(CountedTimer {
                ticket: r.try_get(0).map(TicketId).map_err(error)?,
                number: r.try_get::<String, _>(1).map(TicketNumber::from).map_err(error)?,
                timer,
            })
        };
        rows.iter().map(row).collect()
    }
}
