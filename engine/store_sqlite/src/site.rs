//! What is known only of the site as a whole.

use crate::open::SqliteStore;
use crate::reads::Kind;
use crate::rows::{error, micros};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use vorgang_core::changes::Changes;
use vorgang_core::facts::MutexFact;
use vorgang_store::site::{Site, WAITERS_MAX};
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
        one(FREE, params![name, key, ticket, rev])?;
    }
    for (name, key) in &changes.mutexes.taken {
        one(TAKE, params![name, key, ticket])?;
    }
    for (name, key) in &changes.mutexes.passed {
        one(TAKE, params![name, key, ticket])?;
        one(FREE, params![name, key, ticket, 0])?;
    }
    for (seq, wait) in &changes.mutex_waits {
        let Some(wait) = wait else {
            let gone = c.prepare_cached("DELETE FROM mutex_wait WHERE ticket_id = ?1 AND seq = ?2");
            gone.and_then(|mut s| s.execute(params![ticket, seq])).map_err(error)?;
            continue;
        };
        let comes = "UPDATE mutex SET rev = rev + 1 WHERE name = ?1 AND key = ?2 AND ticket_id = ?3";
        one(comes, params![wait.name, wait.key, wait.holder])?;
        let row = "INSERT INTO mutex_wait (ticket_id, seq, name, key, since) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT DO UPDATE SET name = excluded.name, key = excluded.key";
        one(row, params![ticket, seq, wait.name, wait.key, micros(wait.since)])?;
    }
    for turn in &changes.turns {
        match &turn.after {
            None => one("INSERT INTO turn (place, login) VALUES (?1, ?2) ON CONFLICT DO NOTHING", params![turn.place, turn.login])?,
            Some(after) => {
                one("UPDATE turn SET login = ?2 WHERE place = ?1 AND login = ?3", params![turn.place, turn.login, after])?;
            }
        }
    }
    Ok(())
}

#[async_trait]
impl Site for SqliteStore {
    async fn mutex(&self, name: &str, key: &str) -> Result<MutexFact> {
        let c = self.reader();
        let sql = "SELECT m.ticket_id, t.number, m.rev FROM mutex m JOIN ticket t ON t.id = m.ticket_id WHERE m.name = ?1 AND m.key = ?2";
        let mut held = c.prepare_cached(sql).map_err(error)?;
        let held = held.query_row(params![name, key], |r| Ok(((r.get(0)?, r.get(1)?), r.get(2)?))).optional().map_err(error)?;
        let sql = "SELECT t.number FROM mutex_wait w JOIN ticket t ON t.id = w.ticket_id WHERE w.name = ?1 AND w.key = ?2 \
             ORDER BY w.since, w.ticket_id, w.seq LIMIT ?3";
        let mut waiters = c.prepare_cached(sql).map_err(error)?;
        let waiters = waiters.query_map(params![name, key, WAITERS_MAX], |r| r.get(0)).map_err(error)?;
        let mut waiters: Vec<String> = waiters.collect::<rusqlite::Result<_>>().map_err(error)?;
        waiters.dedup();
        let (holder, rev) = held.unzip();
        Ok(MutexFact { holder, rev: rev.unwrap_or(0), waiters })
    }

    async fn turn(&self, place: &str) -> Result<Option<String>> {
        let c = self.reader();
        let mut statement = c.prepare_cached("SELECT login FROM turn WHERE place = ?1").map_err(error)?;
        statement.query_row([place], |r| r.get(0)).optional().map_err(error)
    }

    async fn load(&self, login: &str) -> Result<u32> {
        self.read(Kind::Counts, |c| {
            let mut statement = c.prepare_cached("SELECT count(*) FROM work WHERE claimed_by = ?1").map_err(error)?;
            statement.query_row([login], |r| r.get(0)).map_err(error)
        })
        .await
    }
}
