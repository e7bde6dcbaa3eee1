//! Rows of notifications.

use crate::rows::micros;
use rusqlite::{Connection, params};
use vorgang_core::changes::Changes;

/// What a command tells people, as rows: part of its commit.
pub fn write(c: &Connection, changes: &Changes, person: impl Fn(&str) -> Option<i64>) -> rusqlite::Result<()> {
    let run = |sql: &str, params: &[&dyn rusqlite::ToSql]| c.prepare_cached(sql).and_then(|mut s| s.execute(params)).map(|_| ());
    let t = &changes.ticket;
    for n in &changes.notices {
        if let (true, Some(person)) = (n.portal, person(&n.to)) {
            run(
                "INSERT INTO notification (person_id, ticket_id, number, name, subject, body, at, instead_of) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![person, t.id.0, t.number.as_str(), n.name, n.subject, n.body, micros(n.at), n.instead_of.as_deref()],
            )?;
        }
    }
    for told in &changes.told {
        run(
            "INSERT INTO told (ticket_id, name, person, day) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET day = excluded.day",
            params![t.id.0, told.name, told.to.as_str(), told.day.to_string()],
        )?;
    }
    Ok(())
}
