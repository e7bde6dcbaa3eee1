//! Programs that are to be run.

use crate::arg::args;
use crate::rows::{error, json, micros};
use crate::store::PostgresStore;
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;
use vorgang_core::ids::{CallId, TicketId, TicketNumber};
use vorgang_store::Result;
use vorgang_store::calls::{Calls, DueCall};

#[async_trait]
impl Calls for PostgresStore {
    async fn calls_due(&self, now: Timestamp, limit: u32) -> Result<Vec<DueCall>> {
        let sql = "SELECT c.ticket_id, t.number, c.state, c.attempts FROM call c JOIN ticket t ON t.id = c.ticket_id \
             WHERE c.due <= $1 ORDER BY c.due LIMIT $2";
        let mut due = vec![];
        for r in self.server.ask(sql, args![micros(now), limit]).await? {
            let state: String = r.try_get(2).map_err(error)?;
            due.push(DueCall {
                ticket: r.try_get(0).map(TicketId).map_err(error)?,
                number: r.try_get::<String, _>(1).map(TicketNumber::from).map_err(error)?,
                call: json(&state)?,
                attempts: r.try_get::<i64, _>(3).map_err(error)? as u32,
                trace: DueCall::trace_in(&state),
            });
        }
        Ok(due)
    }

    async fn call_lease(&self, (ticket, seq): (TicketId, CallId), now: Timestamp, until: Timestamp) -> Result<bool> {
        let sql = "WITH me AS MATERIALIZED (SELECT id FROM node WHERE id = $5 FOR KEY SHARE) \
             UPDATE call SET due = $4, attempts = attempts + 1, owner = me.id FROM me \
             WHERE ticket_id = $1 AND seq = $2 AND due <= $3 RETURNING 1";
        Ok(!self.server.tell(sql, args![ticket, seq, micros(now), micros(until), self.node.id()]).await?.is_empty())
    }

    async fn call_wanted(&self, (ticket, seq): (TicketId, CallId)) -> Result<bool> {
        Ok(!self.server.ask("SELECT 1 FROM call WHERE ticket_id = $1 AND seq = $2", args![ticket, seq]).await?.is_empty())
    }

    async fn call_later(&self, (ticket, seq): (TicketId, CallId), due: Timestamp, counts: bool) -> Result<()> {
        let sql = "UPDATE call SET due = $3, owner = NULL, attempts = greatest(attempts - $5, 0) \
             WHERE ticket_id = $1 AND seq = $2 AND (owner IS NULL OR owner = $4)";
        self.server.tell(sql, args![ticket, seq, micros(due), self.node.id(), i64::from(!counts)]).await.map(|_| ())
    }
}
