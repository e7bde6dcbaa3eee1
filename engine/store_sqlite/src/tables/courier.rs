//! Rows of messages that are sent and kept.

use crate::rows::{error, json, micros};
use crate::tables::deliveries;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use vorgang_core::changes::Changes;
use vorgang_core::ids::TicketId;
use vorgang_core::message::Data;
use vorgang_core::snapshot::KeptMessage;
use vorgang_store::deliveries::NewDelivery;
use vorgang_store::{Result, StoreError};

const INSERT: &str = "INSERT INTO message (name, data, sent, by, hops, until) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

pub(crate) fn text(data: &Data) -> Result<String> {
    serde_json::to_string(data).map_err(|e| StoreError::Corrupt(e.to_string()))
}

/// What a command sends and keeps, as rows: part of its commit.
pub fn write(c: &Connection, changes: &Changes, by: &str, at: Timestamp) -> Result<()> {
    let run = |sql: &str, params: &[&dyn rusqlite::ToSql]| -> Result<()> {
        c.prepare_cached(sql).and_then(|mut s| s.execute(params)).map(|_| ()).map_err(error)
    };
    let ticket = changes.ticket.id;
    for m in &changes.emitted {
        run(INSERT, params![m.name, text(&m.data)?, micros(at), by, m.hops, m.until.map(micros)])?;
        deliveries::add(c, &NewDelivery::of_message(c.last_insert_rowid(), &m.name, at)).map_err(error)?;
    }
    for kept in &changes.kept {
        let state = serde_json::to_string(kept).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        let sql = "INSERT INTO message_kept (ticket_id, seq, instance, state) VALUES (?1, ?2, ?3, ?4)";
        run(sql, params![ticket.0, kept.seq.0, kept.instance.0, state])?;
    }
    for seq in &changes.kept_gone {
        run("DELETE FROM message_kept WHERE ticket_id = ?1 AND seq = ?2", params![ticket.0, seq.0])?;
    }
    for instance in changes.kept_of.iter().filter(|_| !changes.created) {
        run("DELETE FROM message_kept WHERE ticket_id = ?1 AND instance = ?2", params![ticket.0, instance.0])?;
    }
    Ok(())
}

/// The ticket has what the message does to it: once, whoever else delivers it, and however late.
pub fn mark(c: &Connection, message: i64, ticket: TicketId) -> Result<()> {
    let sql = "INSERT INTO message_done (message, ticket_id) SELECT id, ?2 FROM message WHERE id = ?1 AND closed IS NULL AND cursor < ?2";
    let mut statement = c.prepare_cached(sql).map_err(error)?;
    match statement.execute(params![message, ticket.0]).map_err(error)? {
        1 => Ok(()),
        _ => Err(StoreError::Conflict),
    }
}

pub fn kept_of(c: &Connection, ticket: TicketId) -> rusqlite::Result<Vec<KeptMessage>> {
    let mut statement = c.prepare_cached("SELECT state FROM message_kept WHERE ticket_id = ?1 ORDER BY seq")?;
    statement.query_map([ticket.0], |r| json(&r.get::<_, String>(0)?))?.collect()
}
