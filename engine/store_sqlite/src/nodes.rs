//! A SQLite database has one node: it does everything, and nobody else has news.

use crate::open::SqliteStore;
use crate::rows::error;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use vorgang_store::Result;
use vorgang_store::nodes::{Here, News, Nodes};

#[async_trait]
impl Nodes for SqliteStore {
    async fn lane(&self, _lane: &str) -> Result<bool> {
        Ok(true)
    }

    async fn news(&self) -> Result<News> {
        Ok(News::default())
    }

    async fn presence(&self, _here: Here) -> Result<Here> {
        Ok(Here::new())
    }

    async fn runs(&self, _revision: i64) -> Result<()> {
        Ok(())
    }

    async fn behind(&self, _revision: i64) -> Result<u64> {
        Ok(0)
    }

    async fn others(&self) -> Result<u64> {
        Ok(0)
    }

    fn skew(&self) -> SignedDuration {
        SignedDuration::ZERO
    }

    /// What is in the log goes into the file: whoever copies the file has everything.
    async fn leave(&self) {
        self.settle();
    }

    async fn attempt_allowed(&self, key: &str, since: Timestamp, most: u32) -> Result<bool> {
        let sql = "SELECT failures FROM attempt WHERE key = ?1 AND since >= ?2";
        let row = |r: &rusqlite::Row| r.get::<_, u32>(0);
        let failures = self.reader().query_row(sql, params![key, since.as_microsecond()], row).optional().map_err(error)?;
        Ok(failures.is_none_or(|n| n < most))
    }

    async fn attempt_failed(&self, key: &str, now: Timestamp, since: Timestamp) -> Result<()> {
        let (key, now, since) = (key.to_owned(), now.as_microsecond(), since.as_microsecond());
        let fail = move |c: &Connection| {
            let sql = "INSERT INTO attempt (key, failures, since) VALUES (?1, 1, ?2) ON CONFLICT DO UPDATE SET \
                 failures = CASE WHEN since < ?3 THEN 1 ELSE failures + 1 END, since = CASE WHEN since < ?3 THEN ?2 ELSE since END";
            c.execute(sql, params![key, now, since])?;
            c.execute("DELETE FROM attempt WHERE since < ?1", [since]).map(|n| n as i64)
        };
        self.write(false, fail).await.map(|_| ())
    }

    async fn attempt_succeeded(&self, key: &str) -> Result<()> {
        let key = key.to_owned();
        self.write(false, move |c| c.execute("DELETE FROM attempt WHERE key = ?1", [key]).map(|n| n as i64)).await.map(|_| ())
    }
}
