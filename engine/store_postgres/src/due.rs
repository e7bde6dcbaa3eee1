//! When there is work that nobody asks for.

use crate::arg::args;
use crate::rows::{error, micros};
use crate::store::PostgresStore;
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;
use vorgang_store::due::{Due, DueWork, SQL, TIMES, Work};
use vorgang_store::{Result, StoreError};

#[async_trait]
impl DueWork for PostgresStore {
    async fn due_work(&self, now: Timestamp) -> Result<Due> {
        const KINDS: usize = Work::ALL.len();
        let rows = self.server.ask(SQL, args![micros(now)]).await?;
        let row = rows.first().ok_or_else(|| StoreError::Corrupt("a query without a row".into()))?;
        let now: Vec<bool> = (0..KINDS).map(|i| row.try_get(i)).collect::<sqlx::Result<_>>().map_err(error)?;
        let next: Vec<Option<i64>> = (KINDS..KINDS + TIMES).map(|i| row.try_get(i)).collect::<sqlx::Result<_>>().map_err(error)?;
        Due::from_row(&now, &next).map_err(|e| StoreError::Corrupt(e.to_string()))
    }

    async fn freed(&self) {
        self.node.freed.notified().await;
    }
}
