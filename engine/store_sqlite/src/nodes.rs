//! A SQLite database has one node: it does everything, and nobody else has news.

use crate::claims;
use crate::open::SqliteStore;
use crate::rows::{error, time};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use vorgang_store::Result;
use vorgang_store::nodes::{Attempt, Here, News, Nodes, PROBE};

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

    async fn write_probe(&self, now: Timestamp) -> Result<()> {
        let sql = "INSERT INTO attempt (key, failures, since) VALUES (?1, 0, ?2) ON CONFLICT DO UPDATE SET since = excluded.since";
        self.write(false, move |c| c.execute(sql, params![PROBE, now.as_microsecond()]).map(|n| n as i64)).await.map(|_| ())
    }

    /// What is in the log goes into the file: whoever copies the file has everything.
    async fn leave(&self) {
        if self.writer.is_some()
            && let Err(e) = self.write(false, |c| claims::give_back(c, true)).await
        {
            tracing::warn!("claims of mail and programs could not be given back: {e}");
        }
        self.settle();
    }

    async fn attempt_take(&self, attempts: &[Attempt], now: Timestamp) -> Result<Option<Timestamp>> {
        let attempts = attempts.to_vec();
        let take = move |c: &Connection| {
            let window = (now - Attempt::WINDOW).as_microsecond();
            let known = (now - Attempt::KNOWN).as_microsecond();
            c.execute("DELETE FROM attempt WHERE (failures > 0 AND since < ?1) OR since < ?2", [window, known])?;
            let sql = "SELECT failures, since FROM attempt WHERE key = ?1";
            let row = |r: &rusqlite::Row| Ok((r.get::<_, u32>(0)?, r.get::<_, i64>(1)?));
            let asked = |key: &str| c.prepare_cached(sql)?.query_row([key], row).optional();
            for attempt in &attempts {
                let good = |key: &String| asked(key).map(|found| found.is_some_and(|(failures, _)| failures == 0));
                if attempt.unless.as_ref().map(good).transpose()?.unwrap_or(false) {
                    continue;
                }
                let Some((failures, last)) = asked(&attempt.key)?.filter(|(failures, _)| *failures > 0) else { continue };
                let next = attempt.next(failures, time(last)?);
                if now < next {
                    return Ok(next.as_microsecond());
                }
            }
            for attempt in &attempts {
                let sql = "INSERT INTO attempt (key, failures, since) VALUES (?1, 1, ?2) \
                     ON CONFLICT DO UPDATE SET failures = failures + 1, since = excluded.since";
                c.prepare_cached(sql)?.execute(params![attempt.key, now.as_microsecond()])?;
            }
            Ok(0)
        };
        let until = self.write(false, take).await?;
        (until != 0).then(|| time(until)).transpose().map_err(error)
    }

    async fn attempt_succeeded(&self, own: &str, others: &[String], now: Timestamp) -> Result<()> {
        let (own, others) = (own.to_owned(), others.to_vec());
        let succeed = move |c: &Connection| {
            let sql = "INSERT INTO attempt (key, failures, since) VALUES (?1, 0, ?2) \
                 ON CONFLICT DO UPDATE SET failures = 0, since = excluded.since";
            c.execute(sql, params![own, now.as_microsecond()])?;
            for key in &others {
                c.execute("DELETE FROM attempt WHERE key = ?1 AND failures <= 1", [key])?;
                c.execute("UPDATE attempt SET failures = failures - 1 WHERE key = ?1", [key])?;
            }
            Ok(0)
        };
        self.write(false, succeed).await.map(|_| ())
    }
}
