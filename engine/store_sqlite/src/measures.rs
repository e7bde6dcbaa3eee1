//! Figures about work, and about the file.

use crate::open::SqliteStore;
use crate::reads::Kind;
use crate::rows::{error, micros};
use async_trait::async_trait;
use jiff::Timestamp;
use vorgang_store::Result;
use vorgang_store::measures::{ALL, Figures, Measures, sql};

#[async_trait]
impl Measures for SqliteStore {
    async fn figures(&self, now: Timestamp) -> Result<Figures> {
        let sql = sql();
        let work = self.read(Kind::Counts, |c| {
            let mut statement = c.prepare_cached(&sql).map_err(error)?;
            statement.query_row([micros(now)], |r| (0..ALL.len()).map(|i| r.get(i)).collect::<rusqlite::Result<_>>()).map_err(error)
        });
        let work = work.await?;
        let bytes = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |m| m.len());
        let path = self.readers.path();
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Ok(Figures { work, database_bytes: bytes(path), log_bytes: Some(bytes(log.as_ref())) })
    }

    fn connections(&self) -> (usize, usize) {
        self.readers.in_use()
    }
}
