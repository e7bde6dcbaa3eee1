//! Rows that exist once for the whole site: mutexes and turns.

use crate::rows::{error, micros};
use rusqlite::{Connection, params};
use vorgang_core::changes::Changes;
use vorgang_store::{Result, StoreError};

/// Mutexes and turns of a command, as rows: part of its commit. A conflict where somebody was faster.
pub fn write(c: &Connection, changes: &Changes) -> Result<()> {
    let ticket = changes.ticket.id;
    let one = |sql: &str, params: &[&dyn rusqlite::ToSql]| -> Result<()> {
        let written = c.prepare_cached(sql).and_then(|mut s| s.execute(params)).map_err(error)?;
        if written == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    };
    const TAKE: &str = "INSERT INTO mutex (name, key, ticket_id, rev) VALUES (?1, ?2, ?3, 0) ON CONFLICT DO NOTHING";
    const FREE: &str = "DELETE FROM mutex WHERE name = ?1 AND key = ?2 AND ticket_id = ?3 AND rev = ?4";
    for (name, key, rev) in &changes.mutexes.freed {
        one(FREE, params![name, key, ticket.0, rev])?;
    }
    for (name, key) in &changes.mutexes.taken {
        one(TAKE, params![name, key, ticket.0])?;
    }
    for (name, key) in &changes.mutexes.passed {
        one(TAKE, params![name, key, ticket.0])?;
        one(FREE, params![name, key, ticket.0, 0])?;
    }
    for (seq, wait) in &changes.mutex_waits {
        let Some(wait) = wait else {
            let gone = c.prepare_cached("DELETE FROM mutex_wait WHERE ticket_id = ?1 AND seq = ?2");
            gone.and_then(|mut s| s.execute(params![ticket.0, seq.0])).map_err(error)?;
            continue;
        };
        let comes = "UPDATE mutex SET rev = rev + 1 WHERE name = ?1 AND key = ?2 AND ticket_id = ?3";
        one(comes, params![wait.name, wait.key, wait.holder.0])?;
        let row = "INSERT INTO mutex_wait (ticket_id, seq, name, key, since) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT DO UPDATE SET name = excluded.name, key = excluded.key";
        one(row, params![ticket.0, seq.0, wait.name, wait.key, micros(wait.since)])?;
    }
    for turn in &changes.turns {
        match &turn.after {
            None => {
                one("INSERT INTO turn (place, login) VALUES (?1, ?2) ON CONFLICT DO NOTHING", params![turn.place, turn.login.as_str()])?
            }
            Some(after) => {
                one(
                    "UPDATE turn SET login = ?2 WHERE place = ?1 AND login = ?3",
                    params![turn.place, turn.login.as_str(), after.as_str()],
                )?;
            }
        }
    }
    Ok(())
}
