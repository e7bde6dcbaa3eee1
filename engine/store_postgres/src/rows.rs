//! Between rows and the engine's types.

use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;
use vorgang_core::chain::Hash;
use vorgang_core::ids::{Login, TicketId, TicketNumber};
use vorgang_core::people::{Person, PersonKind};
use vorgang_store::names::NameIds;
use vorgang_store::{HistoryRow, StoreError, TicketRow, UnknownWord};

/// A person, whose columns `name, email, kind, company, language, active, settings, roles` begin at 1.
pub fn person(r: &PgRow, login: Login) -> Result<Person, StoreError> {
    Ok(Person {
        login,
        name: r.try_get(1).map_err(error)?,
        email: r.try_get(2).map_err(error)?,
        kind: word(r, 3, PersonKind::from_word).map_err(error)?,
        company: r.try_get(4).map_err(error)?,
        language: r.try_get(5).map_err(error)?,
        active: r.try_get(6).map_err(error)?,
        settings: json(r.try_get(7).map_err(error)?)?,
        roles: r.try_get(8).map_err(error)?,
    })
}

/// What an error of the database means for whoever asked.
pub fn error(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::RowNotFound => StoreError::NotFound,
        sqlx::Error::Database(e) => match e.code().as_deref() {
            Some("23505") => StoreError::Conflict,
            // Damaged data, and what cannot be what the types say.
            Some("XX001" | "XX002") => StoreError::Corrupt(e.message().to_owned()),
            Some("53100") => StoreError::Full(e.message().to_owned()),
            // Out of memory or connections, locked, or longer than a statement may take.
            Some("53200" | "53300" | "55P03" | "57014") => StoreError::Busy(e.message().to_owned()),
            _ => StoreError::Unavailable(e.message().to_owned()),
        },
        sqlx::Error::Decode(why) if why.is::<UnknownWord>() => StoreError::Newer(why.to_string()),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => StoreError::Corrupt(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}

/// The end of a transaction: one that is lost on its way may have been written.
pub async fn committed(transaction: sqlx::Transaction<'_, sqlx::Postgres>) -> Result<(), StoreError> {
    transaction.commit().await.map_err(|e| if lost(&e) { StoreError::Unknown(e.to_string()) } else { error(e) })
}

/// Is the connection, or the server behind it, of no more use? Then another one is taken.
pub fn lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(e) => {
            // Connections that break or are ended (08, 57P), a server that has become a standby, or one that starts.
            e.code().is_some_and(|c| c.starts_with("08") || c.starts_with("57P") || c == "25006" || c == "25P03")
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

/// Two transactions were in each other's way: the same again may succeed.
pub fn again(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(e) if matches!(e.code().as_deref(), Some("40001" | "40P01" | "55P03")))
}

/// Nothing can be written now, whatever it is: disk full, out of memory, too many connections.
pub fn exhausted(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(e) if e.code().is_some_and(|c| c.starts_with("53") || c.starts_with("58")))
}

pub fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A stored time. An error where the number is out of range: no default replaces it.
pub fn time(micros: i64) -> Result<Timestamp, sqlx::Error> {
    Timestamp::from_microsecond(micros).map_err(|e| sqlx::Error::Decode(e.into()))
}

pub fn hash(bytes: &[u8]) -> Result<Hash, sqlx::Error> {
    bytes.try_into().map_err(|e: std::array::TryFromSliceError| sqlx::Error::Decode(e.into()))
}

/// A word of a list that this release knows.
pub fn word<T>(row: &PgRow, at: usize, read: impl Fn(&str) -> Option<T>) -> Result<T, sqlx::Error> {
    let text: &str = row.try_get(at)?;
    read(text).ok_or_else(|| sqlx::Error::Decode(UnknownWord(text.to_owned()).into()))
}

pub fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::Corrupt(e.to_string()))
}

pub fn text<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Corrupt(e.to_string()))
}

pub const TICKET_ROW: &str = "t.id, t.number, t.title, t.type_id, t.queue_id, t.state_id, t.priority_id, t.owner_id, t.company_id, t.customer_id, t.created, t.updated";

/// Ids that are not known make the caller read the names again: see [`crate::store::PostgresStore::named`].
pub fn ticket_row(row: &PgRow, names: &NameIds) -> Result<Option<TicketRow>, sqlx::Error> {
    let name = |at: usize| row.try_get::<i64, _>(at).map(|id| names.find_name(id));
    let person = |at: usize| row.try_get::<Option<i64>, _>(at).map(|id| id.map(|id| names.find_login(id)));
    let company = row.try_get::<Option<i64>, _>(8)?.map(|id| names.find_name(id));
    let (owner, customer_user) = (person(7)?, person(9)?);
    if [&company, &owner, &customer_user].iter().any(|n| matches!(n, Some(None))) {
        return Ok(None);
    }
    let (Some(ticket_type), Some(queue), Some(state), Some(priority)) = (name(3)?, name(4)?, name(5)?, name(6)?) else { return Ok(None) };
    Ok(Some(TicketRow {
        id: row.try_get(0)?,
        number: row.try_get::<String, _>(1).map(TicketNumber::from)?,
        title: row.try_get(2)?,
        ticket_type,
        queue,
        state,
        priority,
        owner: owner.flatten().map(Login::from),
        customer: company.flatten(),
        customer_user: customer_user.flatten().map(Login::from),
        created: time(row.try_get(10)?)?,
        updated: time(row.try_get(11)?)?,
    }))
}

pub const HISTORY_ROW: &str = "ticket_id, version, format, at, actor, command, cause, events, personal, salt, personal_digest, hash";

pub fn history_row(row: &PgRow) -> Result<HistoryRow, sqlx::Error> {
    Ok(HistoryRow {
        ticket: row.try_get(0).map(TicketId)?,
        version: row.try_get::<i64, _>(1)? as u64,
        format: row.try_get::<i64, _>(2)? as u32,
        at: row.try_get(3)?,
        actor: row.try_get(4)?,
        command: row.try_get(5)?,
        cause: row.try_get(6)?,
        events: row.try_get(7)?,
        personal: row.try_get(8)?,
        salt: row.try_get(9)?,
        personal_digest: hash(row.try_get(10)?)?,
        hash: hash(row.try_get(11)?)?,
    })
}

/// The first column of each row.
pub fn texts(rows: &[PgRow]) -> Result<Vec<String>, StoreError> {
    rows.iter().map(|r| r.try_get(0).map_err(error)).collect()
}
