//! What is known only of the site as a whole.

use crate::open::SqliteStore;
use crate::reads::Kind;
use crate::rows::error;
use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};
use vorgang_core::facts::MutexFact;
use vorgang_core::ids::{Login, TicketId, TicketNumber};
use vorgang_store::Result;
use vorgang_store::site::{Site, WAITERS_MAX};

#[async_trait]
impl Site for SqliteStore {
    async fn mutex(&self, name: &str, key: &str) -> Result<MutexFact> {
        let c = self.reader();
        let sql = "SELECT m.ticket_id, t.number, m.rev FROM mutex m JOIN ticket t ON t.id = m.ticket_id WHERE m.name = ?1 AND m.key = ?2";
        let mut held = c.prepare_cached(sql).map_err(error)?;
        let held = held
            .query_row(params![name, key], |r| Ok(((r.get(0).map(TicketId)?, r.get::<_, String>(1).map(TicketNumber::from)?), r.get(2)?)))
            .optional()
            .map_err(error)?;
        let sql = "SELECT t.number FROM mutex_wait w JOIN ticket t ON t.id = w.ticket_id WHERE w.name = ?1 AND w.key = ?2 \
             ORDER BY w.since, w.ticket_id, w.seq LIMIT ?3";
        let mut waiters = c.prepare_cached(sql).map_err(error)?;
        let waiters =
            waiters.query_map(params![name, key, WAITERS_MAX], |r| r.get::<_, String>(0).map(TicketNumber::from)).map_err(error)?;
        let mut waiters: Vec<TicketNumber> = waiters.collect::<rusqlite::Result<_>>().map_err(error)?;
        waiters.dedup();
        let (holder, rev) = held.unzip();
        Ok(MutexFact { holder, rev: rev.unwrap_or(0), waiters })
    }

    async fn turn(&self, place: &str) -> Result<Option<Login>> {
        let c = self.reader();
        let mut statement = c.prepare_cached("SELECT login FROM turn WHERE place = ?1").map_err(error)?;
        statement.query_row([place], |r| r.get::<_, String>(0).map(Login::from)).optional().map_err(error)
    }

    async fn load(&self, login: &str) -> Result<u32> {
        self.read(Kind::Counts, |c| {
            let mut statement = c.prepare_cached("SELECT count(*) FROM work WHERE claimed_by = ?1").map_err(error)?;
            statement.query_row([login], |r| r.get(0)).map_err(error)
        })
        .await
    }
}
