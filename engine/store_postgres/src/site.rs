//! What is known only of the site as a whole.

use crate::arg::args;
use crate::rows::error;
use crate::store::PostgresStore;
use async_trait::async_trait;
use sqlx::Row;
use vorgang_core::facts::MutexFact;
use vorgang_core::ids::{Login, TicketId, TicketNumber};
use vorgang_store::Result;
use vorgang_store::site::{Site, WAITERS_MAX};

#[async_trait]
impl Site for PostgresStore {
    async fn mutex(&self, name: &str, key: &str) -> Result<MutexFact> {
        let sql = "SELECT m.ticket_id, t.number, m.rev FROM mutex m JOIN ticket t ON t.id = m.ticket_id WHERE m.name = $1 AND m.key = $2";
        let held = self.server.ask(sql, args![name, key]).await?;
        let mut fact = MutexFact::default();
        if let Some(r) = held.first() {
            fact.holder =
                Some((r.try_get(0).map(TicketId).map_err(error)?, r.try_get::<String, _>(1).map(TicketNumber::from).map_err(error)?));
            fact.rev = r.try_get(2).map_err(error)?;
        }
        let sql = "SELECT t.number FROM mutex_wait w JOIN ticket t ON t.id = w.ticket_id WHERE w.name = $1 AND w.key = $2 \
             ORDER BY w.since, w.ticket_id, w.seq LIMIT $3";
        for r in self.server.ask(sql, args![name, key, WAITERS_MAX]).await? {
            fact.waiters.push(r.try_get::<String, _>(0).map(TicketNumber::from).map_err(error)?);
        }
        fact.waiters.dedup();
        Ok(fact)
    }

    async fn turn(&self, place: &str) -> Result<Option<Login>> {
        let rows = self.server.ask("SELECT login FROM turn WHERE place = $1", args![place]).await?;
        rows.first().map(|r| r.try_get::<String, _>(0).map(Login::from).map_err(error)).transpose()
    }

    async fn load(&self, login: &str) -> Result<u32> {
        let rows = self.server.ask("SELECT count(*) FROM work WHERE claimed_by = $1", args![login]).await?;
        let count = rows.first().map(|r| r.try_get::<i64, _>(0).map_err(error)).transpose()?;
        Ok(count.unwrap_or(0) as u32)
    }
}
