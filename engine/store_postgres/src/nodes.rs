//! The nodes of the site, and leadership of lanes.

use crate::arg::args;
use crate::node::{NEWS_MICROS, NOW, Seen, freed_of, locked};
use crate::rows::{self, committed, error, json, text};
use crate::server::bounded;
use crate::store::PostgresStore;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sqlx::Row;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use vorgang_store::Result;
use vorgang_store::nodes::{Attempt, Here, News, Nodes, PROBE};

#[async_trait]
impl Nodes for PostgresStore {
    async fn lane(&self, lane: &str) -> Result<bool> {
        let id = self.node.id();
        let holder = locked(&self.node.lanes).get(lane).copied();
        match holder {
            Some(holder) if holder == id => return Ok(true),
            // A node keeps its lanes until it dies or leaves; the next heartbeat reports that.
            Some(holder) if locked(&self.node.living).contains(&holder) => return Ok(false),
            _ => {}
        }
        // Only what nobody alive holds: the row of a dead node is gone, and with it the right to commit.
        let sql = "WITH me AS MATERIALIZED (SELECT id FROM node WHERE id = $2 FOR KEY SHARE), \
             taken AS (INSERT INTO lane (name, node) SELECT $1, id FROM me ON CONFLICT (name) DO UPDATE SET node = $2 \
             WHERE lane.node = $2 OR NOT EXISTS (SELECT 1 FROM node n WHERE n.id = lane.node) RETURNING node) \
             SELECT node FROM taken UNION ALL SELECT node FROM lane WHERE name = $1 AND NOT EXISTS (SELECT 1 FROM taken)";
        let rows = self.server.tell(sql, args![lane, id]).await?;
        let holder = rows.first().map(|row| row.try_get::<i64, _>(0)).transpose().map_err(error)?;
        if let Some(holder) = holder
            && self.node.id() == id
        {
            locked(&self.node.lanes).insert(lane.to_owned(), holder);
        }
        Ok(holder == Some(id))
    }

    async fn news(&self) -> Result<News> {
        let mut seen = self.node.seen.lock().await;
        let sql = format!(
            "WITH edge AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS x) \
             SELECT edge.x::text::bigint, (SELECT max(id) FROM revision), (SELECT value FROM mark WHERE name = 'people'), c.body, {NOW} \
             FROM edge LEFT JOIN change c ON $1 > 0 AND c.xid >= $1::text::xid8 AND c.xid < edge.x AND c.node <> $2"
        );
        let rows = self.server.ask(sql, args![seen.xid, self.node.id()]).await?;
        let mut news = News { revision: rows[0].try_get(1).map_err(error)?, ..News::default() };
        let people: i64 = rows[0].try_get(2).map_err(error)?;
        // At first, what was read before this look may be older than it.
        news.people = people != seen.people || seen.xid == 0;
        if news.people || news.revision != seen.revision {
            self.reload().await?;
        }
        let at: i64 = rows[0].try_get(4).map_err(error)?;
        // Some of what there was may have been removed by then.
        news.missed = seen.xid != 0 && at - seen.at > NEWS_MICROS / 2;
        *seen = Seen { xid: rows[0].try_get(0).map_err(error)?, people, revision: news.revision, at };
        for row in &rows {
            let Some(body) = row.try_get::<Option<&str>, _>(3).map_err(error)? else { continue };
            let (tickets, told): (Vec<(String, u64)>, Vec<String>) = json(body)?;
            news.tickets.extend(tickets);
            news.told.extend(told);
        }
        Ok(news)
    }

    async fn presence(&self, here: Here) -> Result<Here> {
        let changed = *locked(&self.node.here) != here;
        if changed {
            let sql = "UPDATE node SET here = $2 WHERE id = $1";
            self.server.tell(sql, args![self.node.id(), text(&here)?]).await?;
            *locked(&self.node.here) = here;
        }
        let mut elsewhere = Here::new();
        if self.node.has_others() {
            let sql = "SELECT here FROM node WHERE id <> $1 AND here <> '{}'";
            for row in self.server.ask(sql, args![self.node.id()]).await? {
                for (number, people) in json::<Here>(row.try_get(0).map_err(error)?)? {
                    elsewhere.entry(number).or_default().extend(people);
                }
            }
        }
        Ok(elsewhere)
    }

    async fn runs(&self, revision: i64) -> Result<()> {
        self.node.revision.store(revision, Ordering::Release);
        self.server.tell("UPDATE node SET revision = $2 WHERE id = $1", args![self.node.id(), revision]).await.map(|_| ())
    }

    async fn behind(&self, revision: i64) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM node WHERE revision < $1 AND until >= {NOW}");
        let rows = self.server.ask(sql, args![revision]).await?;
        rows[0].try_get::<i64, _>(0).map(|n| n as u64).map_err(error)
    }

    async fn others(&self) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM node WHERE id <> $1 AND until >= {NOW}");
        let rows = self.server.ask(sql, args![self.node.id()]).await?;
        rows[0].try_get::<i64, _>(0).map(|n| n as u64).map_err(error)
    }

    fn skew(&self) -> SignedDuration {
        SignedDuration::from_micros(self.node.skew.load(Ordering::Acquire))
    }

    async fn write_probe(&self, now: Timestamp) -> Result<()> {
        let sql = "INSERT INTO attempt (key, failures, since) VALUES ($1, 0, $2) ON CONFLICT (key) DO UPDATE SET since = excluded.since";
        self.server.tell(sql, args![PROBE, now.as_microsecond()]).await.map(|_| ())
    }

    async fn leave(&self) {
        let id = self.node.id.swap(0, Ordering::AcqRel);
        let freed = freed_of("= $1", true);
        let sql = format!("WITH gone AS (DELETE FROM lane WHERE node = $1), freed AS ({freed}) DELETE FROM node WHERE id = $1");
        if let Err(e) = self.server.tell(sql, args![id]).await {
            tracing::warn!("this node could not say that it goes: {e}");
        }
    }

    async fn attempt_take(&self, attempts: &[Attempt], now: Timestamp) -> Result<Option<Timestamp>> {
        bounded(self.take_attempt(attempts, now)).await
    }

    async fn attempt_succeeded(&self, own: &str, others: &[String], now: Timestamp) -> Result<()> {
        let sql = "INSERT INTO attempt (key, failures, since) VALUES ($1, 0, $2) \
             ON CONFLICT (key) DO UPDATE SET failures = 0, since = excluded.since";
        self.server.tell(sql, args![own, now.as_microsecond()]).await?;
        let sql = "WITH gone AS (DELETE FROM attempt WHERE key = ANY ($1) AND failures <= 1 RETURNING key) \
             UPDATE attempt SET failures = failures - 1 WHERE key = ANY ($1) AND failures > 1";
        self.server.tell(sql, args![others.to_vec()]).await.map(|_| ())
    }
}

impl PostgresStore {
    /// The rows are held in one order until the end: two tries under one key come one after the other.
    async fn take_attempt(&self, attempts: &[Attempt], now: Timestamp) -> Result<Option<Timestamp>> {
        let (window, known) = ((now - Attempt::WINDOW).as_microsecond(), (now - Attempt::KNOWN).as_microsecond());
        let sql = "DELETE FROM attempt WHERE (failures > 0 AND since < $1) OR since < $2";
        self.server.tell(sql, args![window, known]).await?;
        let mut tx = self.server.begin().await?;
        let mut keys: Vec<&str> = attempts.iter().map(|a| a.key.as_str()).collect();
        keys.sort_unstable();
        let mut rows: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for key in keys {
            let sql = "INSERT INTO attempt (key, failures, since) VALUES ($1, 0, 0) \
                 ON CONFLICT (key) DO UPDATE SET key = excluded.key RETURNING failures, since";
            let r = sqlx::query(sql).bind(key).fetch_one(&mut *tx).await.map_err(error)?;
            rows.insert(key, (r.try_get(0).map_err(error)?, r.try_get(1).map_err(error)?));
        }
        let unless: Vec<String> = attempts.iter().filter_map(|a| a.unless.clone()).filter(|key| !rows.contains_key(key.as_str())).collect();
        let asked = sqlx::query("SELECT key, failures, since FROM attempt WHERE key = ANY ($1)").bind(&unless);
        for r in asked.fetch_all(&mut *tx).await.map_err(error)? {
            let key: &str = r.try_get(0).map_err(error)?;
            if let Some(key) = unless.iter().find(|k| *k == key) {
                rows.insert(key, (r.try_get(1).map_err(error)?, r.try_get(2).map_err(error)?));
            }
        }
        for attempt in attempts {
            let good = |key: &String| rows.get(key.as_str()).is_some_and(|(failures, since)| *failures == 0 && *since > known);
            let Some((failures, last)) = rows.get(attempt.key.as_str()) else { continue };
            if *failures == 0 || attempt.unless.as_ref().is_some_and(good) {
                continue;
            }
            let next = attempt.next(*failures as u32, rows::time(*last).map_err(error)?);
            if now < next {
                return Ok(Some(next));
            }
        }
        let keys: Vec<String> = attempts.iter().map(|a| a.key.clone()).collect();
        let sql = "UPDATE attempt SET failures = failures + 1, since = $2 WHERE key = ANY ($1)";
        sqlx::query(sql).bind(keys).bind(now.as_microsecond()).execute(&mut *tx).await.map_err(error)?;
        committed(tx).await?;
        Ok(None)
    }
}
