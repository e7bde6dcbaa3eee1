//! Between rows and the engine's types.

use crate::names::NameIds;
use jiff::Timestamp;
use rusqlite::Row;
use vorgang_core::chain::Hash;
use vorgang_store::{HistoryRow, StoreError, TicketRow};

pub fn error(error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode as E;
    match &error {
        rusqlite::Error::QueryReturnedNoRows => StoreError::NotFound,
        rusqlite::Error::SqliteFailure(f, _) => match f.code {
            E::ConstraintViolation => StoreError::Conflict,
            E::DatabaseCorrupt | E::NotADatabase => StoreError::Corrupt(error.to_string()),
            _ => StoreError::Unavailable(error.to_string()),
        },
        rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..) => StoreError::Corrupt(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}

pub fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

pub fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub fn hash(bytes: &[u8]) -> Hash {
    bytes.try_into().unwrap_or([0; 32])
}

pub const TICKET_ROW: &str = "t.id, t.number, t.title, t.type_id, t.queue_id, t.state_id, t.priority_id, t.owner_id, t.company_id, t.customer_id, t.created, t.updated";

pub fn ticket_row(row: &Row, names: &NameIds) -> rusqlite::Result<TicketRow> {
    Ok(TicketRow {
        id: row.get(0)?,
        number: row.get(1)?,
        title: row.get(2)?,
        ticket_type: names.name(row.get(3)?),
        queue: names.name(row.get(4)?),
        state: names.name(row.get(5)?),
        priority: names.name(row.get(6)?),
        owner: row.get::<_, Option<i64>>(7)?.map(|id| names.login(id)),
        customer: row.get::<_, Option<i64>>(8)?.map(|id| names.name(id)),
        customer_user: row.get::<_, Option<i64>>(9)?.map(|id| names.login(id)),
        created: time(row.get(10)?),
        updated: time(row.get(11)?),
    })
}

pub const HISTORY_ROW: &str = "ticket_id, version, format, at, actor, command, cause, events, personal, salt, personal_digest, hash";

pub fn history_row(row: &Row) -> rusqlite::Result<HistoryRow> {
    Ok(HistoryRow {
        ticket: row.get(0)?,
        version: row.get::<_, i64>(1)? as u64,
        format: row.get(2)?,
        at: row.get(3)?,
        actor: row.get(4)?,
        command: row.get(5)?,
        cause: row.get(6)?,
        events: row.get(7)?,
        personal: row.get(8)?,
        salt: row.get(9)?,
        personal_digest: hash(&row.get::<_, Vec<u8>>(10)?),
        hash: hash(&row.get::<_, Vec<u8>>(11)?),
    })
}
