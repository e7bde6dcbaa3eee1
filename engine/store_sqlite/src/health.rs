//! What SQLite says of itself.

use crate::open::SqliteStore;
use crate::rows::error;
use async_trait::async_trait;
use vorgang_store::Result;
use vorgang_store::health::{Health, Level, Sign};

#[async_trait]
impl Health for SqliteStore {
    async fn ping(&self) -> Result<()> {
        self.reader().query_row("SELECT 1", [], |_| Ok(())).map_err(error)
    }

    async fn examine(&self) -> Result<Vec<Sign>> {
        let c = self.reader();
        let version: i64 = c.query_row("PRAGMA user_version", [], |r| r.get(0)).map_err(error)?;
        let sqlite: String = c.query_row("SELECT sqlite_version()", [], |r| r.get(0)).map_err(error)?;
        let mut signs = vec![Sign::new("database", Level::Good, format!("SQLite {sqlite}, schema {version}"))];
        let mut statement = c.prepare("PRAGMA integrity_check(5)").map_err(error)?;
        let said: Vec<String> = statement.query_map([], |r| r.get(0)).and_then(Iterator::collect).map_err(error)?;
        let whole = said.len() == 1 && said[0] == "ok";
        signs.push(Sign::judged("integrity", whole, Level::Bad, "every page is what it should be", said.join("; ")));
        let mode: String = c.query_row("PRAGMA journal_mode", [], |r| r.get(0)).map_err(error)?;
        signs.push(Sign::judged(
            "log",
            mode == "wal",
            Level::Warning,
            "write-ahead",
            format!("the journal's mode is {mode}: nobody has served it yet"),
        ));
        Ok(signs)
    }
}
