//! Timers that are due, and those that count in a calendar.

use crate::open::SqliteStore;
use crate::reads::Kind;
use crate::rows::{self, error, micros, time};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::params;
use vorgang_core::ids::{TicketId, TicketNumber, TimerId};
use vorgang_store::{CountedTimer, DueTimer, Result, Timers};

fn due_timer(r: &rusqlite::Row) -> rusqlite::Result<DueTimer> {
    Ok(DueTimer {
        ticket: r.get(0).map(TicketId)?,
        number: r.get::<_, String>(1).map(TicketNumber::from)?,
        seq: r.get(2).map(TimerId)?,
        due: time(r.get(3)?)?,
    })
}

#[async_trait]
impl Timers for SqliteStore {
    async fn timers_due(&self, now: Timestamp, limit: u32) -> Result<Vec<DueTimer>> {
        let c = self.reader();
        let sql = "SELECT t.id, t.number, m.seq, m.due FROM timer m JOIN ticket t ON t.id = m.ticket_id WHERE m.due <= ?1 ORDER BY m.due LIMIT ?2";
        let mut statement = c.prepare_cached(sql).map_err(error)?;
        statement.query_map(params![micros(now), limit], due_timer).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
    }

    async fn timers_counted(&self, after: (TicketId, TimerId), limit: u32) -> Result<Vec<CountedTimer>> {
        self.read_patiently(Kind::Scan, |c| {
            let sql = "SELECT t.id, t.number, m.state FROM timer m JOIN ticket t ON t.id = m.ticket_id \
                       WHERE (m.ticket_id, m.seq) > (?1, ?2) AND m.calendar IS NOT NULL ORDER BY m.ticket_id, m.seq LIMIT ?3";
            let mut statement = c.prepare_cached(sql).map_err(error)?;
            let timer = |r: &rusqlite::Row| rows::json(&r.get::<_, String>(2)?);
            let row = |r: &rusqlite::Row| {
                Ok(CountedTimer {
                    ticket: r.get(0).map(TicketId)?,
                    number: r.get::<_, String>(1).map(TicketNumber::from)?,
                    timer: timer(r)?,
                })
            };
            statement.query_map(params![after.0.0, after.1.0, limit], row).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }
}
