//! When there is work that nobody asks for.

use crate::open::SqliteStore;
use crate::rows::{error, micros};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Row;
use vorgang_store::Result;
use vorgang_store::due::{Due, DueWork, SQL, TIMES, Work};

#[async_trait]
impl DueWork for SqliteStore {
    async fn due_work(&self, now: Timestamp) -> Result<Due> {
        const KINDS: usize = Work::ALL.len();
        let c = self.reader();
        let mut statement = c.prepare_cached(SQL).map_err(error)?;
        let row = |r: &Row| {
            let now: Vec<bool> = (0..KINDS).map(|i| r.get(i)).collect::<rusqlite::Result<_>>()?;
            let next: Vec<Option<i64>> = (KINDS..KINDS + TIMES).map(|i| r.get(i)).collect::<rusqlite::Result<_>>()?;
            Ok((now, next))
        };
        let (now, next) = statement.query_row([micros(now)], row).map_err(error)?;
        Due::from_row(&now, &next).map_err(|e| vorgang_store::StoreError::Corrupt(e.to_string()))
    }
}
