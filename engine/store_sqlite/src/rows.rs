//! Between rows and the engine's types.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;
use vorgang_core::chain::Hash;
use vorgang_core::ids::{Login, TicketId, TicketNumber};
use vorgang_core::people::{Person, PersonKind};
use vorgang_store::names::NameIds;
use vorgang_store::{HistoryRow, StoreError, TicketRow, UnknownWord};

pub fn json<T: serde::de::DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|e| unreadable(Box::new(e)))
}

pub fn error(error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode as E;
    match &error {
        rusqlite::Error::QueryReturnedNoRows => StoreError::NotFound,
        rusqlite::Error::SqliteFailure(f, _) => match f.code {
            E::ConstraintViolation => StoreError::Conflict,
            E::DatabaseCorrupt | E::NotADatabase => StoreError::Corrupt(error.to_string()),
            E::DiskFull => StoreError::Full(error.to_string()),
            E::DatabaseBusy | E::DatabaseLocked => StoreError::Busy(error.to_string()),
            _ => StoreError::Unavailable(error.to_string()),
        },
        rusqlite::Error::FromSqlConversionFailure(_, _, why) if why.is::<UnknownWord>() => StoreError::Newer(why.to_string()),
        rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..) => StoreError::Corrupt(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}

pub fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A stored time. An error where the number is out of range: no default replaces it.
pub fn time(micros: i64) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|e| wrong(Type::Integer, e))
}

pub fn hash(bytes: &[u8]) -> rusqlite::Result<Hash> {
    bytes.try_into().map_err(|e| wrong(Type::Blob, e))
}

/// A word of a list that this release knows.
pub fn word<T>(row: &Row, at: usize, read: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text: String = row.get(at)?;
    read(&text).ok_or_else(|| wrong(Type::Text, UnknownWord(text)))
}

fn wrong(stored: Type, why: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, stored, Box::new(why))
}

pub const TICKET_ROW: &str = "t.id, t.number, t.title, t.type_id, t.queue_id, t.state_id, t.priority_id, t.owner_id, t.company_id, t.customer_id, t.created, t.updated";

pub fn ticket_row(row: &Row, names: &NameIds) -> rusqlite::Result<TicketRow> {
    Ok(TicketRow {
        id: row.get(0)?,
        number: row.get::<_, String>(1).map(TicketNumber::from)?,
        title: row.get(2)?,
        ticket_type: names.name(row.get(3)?),
        queue: names.name(row.get(4)?),
        state: names.name(row.get(5)?),
        priority: names.name(row.get(6)?),
        owner: row.get::<_, Option<i64>>(7)?.map(|id| names.login(id)),
        customer: row.get::<_, Option<i64>>(8)?.map(|id| names.name(id)),
        customer_user: row.get::<_, Option<i64>>(9)?.map(|id| names.login(id)),
        created: time(row.get(10)?)?,
        updated: time(row.get(11)?)?,
    })
}

/// A person, whose columns `login, name, email, kind, company, language, active, settings` begin at `from`.
pub fn person_row(row: &Row, from: usize, roles: Vec<String>) -> rusqlite::Result<Person> {
    Ok(Person {
        login: row.get::<_, String>(from).map(Login::from)?,
        name: row.get(from + 1)?,
        email: row.get(from + 2)?,
        kind: word(row, from + 3, PersonKind::from_word)?,
        company: row.get(from + 4)?,
        language: row.get(from + 5)?,
        active: row.get(from + 6)?,
        settings: json(&row.get::<_, String>(from + 7)?)?,
        roles,
    })
}

pub const HISTORY_ROW: &str = "ticket_id, version, format, at, actor, command, cause, events, personal, salt, personal_digest, hash";

pub fn history_row(row: &Row) -> rusqlite::Result<HistoryRow> {
    Ok(HistoryRow {
        ticket: row.get(0).map(TicketId)?,
        version: row.get::<_, i64>(1)? as u64,
        format: row.get(2)?,
        at: row.get(3)?,
        actor: row.get(4)?,
        command: row.get(5)?,
        cause: row.get(6)?,
        events: row.get(7)?,
        personal: row.get(8)?,
        salt: row.get(9)?,
        personal_digest: hash(&row.get::<_, Vec<u8>>(10)?)?,
        hash: hash(&row.get::<_, Vec<u8>>(11)?)?,
    })
}

pub(crate) fn unreadable(e: Box<dyn std::error::Error + Send + Sync>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, e)
}
