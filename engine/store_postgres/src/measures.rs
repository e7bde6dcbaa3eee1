//! Figures about work, and about the database.

use crate::arg::args;
use crate::rows::{error, micros};
use crate::store::PostgresStore;
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;
use vorgang_store::measures::{ALL, Figures, Measures, sql};
use vorgang_store::{Result, StoreError};

#[async_trait]
impl Measures for PostgresStore {
    async fn figures(&self, now: Timestamp) -> Result<Figures> {
        let sql = format!("{}, pg_database_size(current_database())", sql());
        let rows = self.server.ask(sql, args![micros(now)]).await?;
        let row = rows.first().ok_or_else(|| StoreError::Corrupt("a query without a row".into()))?;
        let work = (0..ALL.len()).map(|i| row.try_get(i)).collect::<sqlx::Result<_>>().map_err(error)?;
        let bytes: i64 = row.try_get(ALL.len()).map_err(error)?;
        Ok(Figures { work, database_bytes: bytes as u64, log_bytes: None })
    }

    fn connections(&self) -> (usize, usize) {
        self.server.primary().connections()
    }
}
