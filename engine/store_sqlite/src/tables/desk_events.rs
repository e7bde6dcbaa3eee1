//! Rows of events of the desk.

use crate::rows::{error, micros};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use vorgang_core::desk_event::DeskEvent;
use vorgang_core::people::Person;
use vorgang_store::{Result, StoreError};

pub fn add(c: &Connection, event: &DeskEvent, at: Timestamp) -> rusqlite::Result<()> {
    let text = serde_json::to_string(event).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
    c.execute("INSERT INTO desk_event (at, event) VALUES (?1, ?2)", params![micros(at), text]).map(|_| ())
}

/// What saving this person means; nothing where it changes nothing.
pub fn of_person(c: &Connection, new: &Person) -> rusqlite::Result<Option<DeskEvent>> {
    let sql =
        "SELECT p.name, p.email, p.kind, p.active, p.id, (SELECT name FROM name WHERE id = p.company_id) FROM person p WHERE p.login = ?1";
    type Old = (String, String, String, bool, i64, Option<String>);
    let row = |r: &Row| -> rusqlite::Result<Old> { Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?)) };
    let Some((name, email, kind, active, id, company)) = c.query_row(sql, [new.login.as_str()], row).optional()? else {
        return Ok(Some(DeskEvent::PersonCreated { person: new.into() }));
    };
    let mut statement = c.prepare_cached("SELECT role FROM person_role WHERE person_id = ?1 ORDER BY role")?;
    let roles: Vec<String> = statement.query_map([id], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut wanted = new.roles.clone();
    wanted.sort();
    wanted.dedup();
    let same = name == new.name && email == new.email && kind == new.kind.word() && active == new.active && company == new.company;
    Ok((!same || roles != wanted).then(|| DeskEvent::PersonChanged { person: new.into() }))
}

/// Its tickets are part of this commit; who comes second makes none.
pub fn done(c: &Connection, id: i64) -> Result<()> {
    match c.execute("DELETE FROM desk_event WHERE id = ?1", [id]).map_err(error)? {
        1 => Ok(()),
        _ => Err(StoreError::Conflict),
    }
}
