//! Programs that are to be run.

use crate::claims::THIS_PROCESS;
use crate::open::SqliteStore;
use crate::rows::{error, json, micros};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use vorgang_core::ids::{CallId, TicketId, TicketNumber};
use vorgang_store::Result;
use vorgang_store::calls::{Calls, DueCall};

#[async_trait]
impl Calls for SqliteStore {
    async fn calls_due(&self, now: Timestamp, limit: u32) -> Result<Vec<DueCall>> {
        let sql = "SELECT c.ticket_id, t.number, c.state, c.attempts FROM call c JOIN ticket t ON t.id = c.ticket_id \
             WHERE c.due <= ?1 ORDER BY c.due LIMIT ?2";
        let c = self.reader();
        let mut statement = c.prepare_cached(sql).map_err(error)?;
        let row = |r: &Row| {
            let state: String = r.get(2)?;
            let trace = DueCall::trace_in(&state);
            Ok(DueCall {
                ticket: r.get(0).map(TicketId)?,
                number: r.get::<_, String>(1).map(TicketNumber::from)?,
                call: json(&state)?,
                attempts: r.get(3)?,
                trace,
            })
        };
        statement.query_map(params![micros(now), limit], row).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
    }

    async fn call_lease(&self, (ticket, seq): (TicketId, CallId), now: Timestamp, until: Timestamp) -> Result<bool> {
        let sql = "UPDATE call SET due = ?4, attempts = attempts + 1, owner = ?5 WHERE ticket_id = ?1 AND seq = ?2 AND due <= ?3";
        let lease =
            move |c: &Connection| c.execute(sql, params![ticket.0, seq.0, micros(now), micros(until), THIS_PROCESS]).map(|n| n as i64);
        self.write(false, lease).await.map(|n| n == 1)
    }

    async fn call_wanted(&self, (ticket, seq): (TicketId, CallId)) -> Result<bool> {
        let c = self.reader();
        let mut statement = c.prepare_cached("SELECT 1 FROM call WHERE ticket_id = ?1 AND seq = ?2").map_err(error)?;
        statement.exists(params![ticket.0, seq.0]).map_err(error)
    }

    async fn call_later(&self, (ticket, seq): (TicketId, CallId), due: Timestamp, counts: bool) -> Result<()> {
        let sql = "UPDATE call SET due = ?3, owner = NULL, attempts = max(attempts - ?4, 0) WHERE ticket_id = ?1 AND seq = ?2";
        let later = move |c: &Connection| c.execute(sql, params![ticket.0, seq.0, micros(due), !counts]).map(|n| n as i64);
        self.write(false, later).await.map(|_| ())
    }
}
