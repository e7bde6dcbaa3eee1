//! Rows of programs that are to run.

use crate::rows::{error, json};
use rusqlite::{Connection, params};
use vorgang_core::changes::Changes;
use vorgang_core::ids::TicketId;
use vorgang_core::snapshot::Call;
use vorgang_store::{Result, StoreError};

/// What a command wants to be run, as rows: part of its commit.
pub fn write(c: &Connection, changes: &Changes) -> Result<()> {
    let ticket = changes.ticket.id;
    for call in &changes.calls {
        let state = serde_json::to_string(call).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        let mut statement = c.prepare_cached("INSERT INTO call (ticket_id, seq, state) VALUES (?1, ?2, ?3)").map_err(error)?;
        statement.execute(params![ticket.0, call.seq.0, state]).map_err(error)?;
    }
    for seq in &changes.calls_ended {
        let mut statement = c.prepare_cached("DELETE FROM call WHERE ticket_id = ?1 AND seq = ?2").map_err(error)?;
        statement.execute(params![ticket.0, seq.0]).map_err(error)?;
    }
    Ok(())
}

pub fn of_ticket(c: &Connection, ticket: TicketId) -> rusqlite::Result<Vec<Call>> {
    let mut statement = c.prepare_cached("SELECT state FROM call WHERE ticket_id = ?1 ORDER BY seq")?;
    statement.query_map([ticket.0], |r| json(&r.get::<_, String>(0)?))?.collect()
}
