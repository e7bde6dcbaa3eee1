//! This process among the nodes. Its id is its epoch: the row goes when it was silent for too long, and with the row the
//! right to commit, so that a process that wakes up late finds itself shut out and joins anew.

use crate::arg::args;
use crate::batch::Batch;
use crate::rows::{committed, error, json, text};
use crate::server::Server;
use crate::store::{PostgresStore, bounded};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sqlx::Row;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use vorgang_store::nodes::{Attempt, Here, News, Nodes, PROBE};
use vorgang_store::{Commit, Result};

/// The condition of rows that are held by a node that is gone.
const ORPHANED: &str = "NOT IN (SELECT id FROM node)";

/// Silent for so long, a node is taken for dead.
const LEASE_MICROS: i64 = 8_000_000;
const BEAT: Duration = Duration::from_secs(2);
/// A beat that is due because another node's lease ends comes this much after that end.
const AFTER_THE_END: Duration = Duration::from_millis(50);
/// So often what dead nodes left is swept, in beats.
const SWEEP_EVERY: u64 = 30;
/// How long news are kept: pages that are open on a node that was away for longer are loaded anew.
const NEWS_MICROS: i64 = 60_000_000;

/// The database's time in microseconds.
pub const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

const CHANGE: &str = "INSERT INTO change (node, at, body) SELECT * FROM unnest({})";

#[derive(Default)]
pub struct Node {
    id: AtomicI64,
    others: AtomicBool,
    revision: AtomicI64,
    /// Microseconds that the database's clock is ahead.
    skew: AtomicI64,
    /// Who holds each lane that was asked for, as the last answer said.
    lanes: Mutex<HashMap<String, i64>>,
    /// The other nodes that lived at the last beat.
    living: Mutex<BTreeSet<i64>>,
    here: Mutex<Here>,
    seen: tokio::sync::Mutex<Seen>,
    /// Another node died or left: its claims and lanes are free.
    pub freed: Notify,
}

#[derive(Default)]
struct Seen {
    /// Transactions before this one were read.
    xid: i64,
    people: i64,
    revision: Option<i64>,
    /// When that was, by the database's clock in microseconds.
    at: i64,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Node {
    pub fn id(&self) -> i64 {
        self.id.load(Ordering::Acquire)
    }

    /// Are there others that want to know what is committed here?
    pub fn has_others(&self) -> bool {
        self.others.load(Ordering::Acquire)
    }

    pub fn others_are(&self, there: bool) {
        self.others.store(there, Ordering::Release);
    }

    /// Takes part under a new id; what an earlier one held is given up.
    pub async fn join(&self, server: &Server) -> Result<()> {
        locked(&self.lanes).clear();
        // Said anew, under the new id.
        locked(&self.here).clear();
        let name = format!("{} {}", hostname(), std::process::id());
        let sql =
            format!("INSERT INTO node (name, joined, until, revision) SELECT $1, t, t + $2, $3 FROM (SELECT {NOW} AS t) x RETURNING id");
        let rows = server.tell(sql, args![name, LEASE_MICROS, self.revision.load(Ordering::Acquire)]).await?;
        self.id.store(rows[0].try_get(0).map_err(error)?, Ordering::Release);
        Ok(())
    }

    /// Begins to take part, and says every few seconds that it still does.
    pub async fn start(self: &Arc<Self>, server: &Arc<Server>) -> Result<()> {
        self.join(server).await?;
        self.beat(server, false).await?;
        let (node, server) = (Arc::downgrade(self), Arc::downgrade(server));
        tokio::spawn(beats(node, server));
        Ok(())
    }

    /// The time until the next beat: shorter where the lease of a silent node ends before it.
    async fn beat(&self, server: &Server, sweep: bool) -> Result<Duration> {
        let asked = Timestamp::now().as_microsecond();
        let sql = format!(
            "WITH t AS MATERIALIZED (SELECT {NOW} AS now), \
             dead AS (DELETE FROM node WHERE id IN (SELECT id FROM node, t WHERE until < now AND id <> $1 FOR UPDATE OF node SKIP LOCKED) RETURNING id), \
             mails AS ({}), calls AS ({}), \
             me AS (UPDATE node SET until = now + $2 FROM t WHERE id = $1 RETURNING id) \
             SELECT t.now, (SELECT count(*) FROM me), \
             (SELECT min(until) FROM node n, t WHERE n.id <> $1 AND n.until >= t.now), \
             (SELECT coalesce(array_agg(n.id), '{{}}') FROM node n, t WHERE n.id <> $1 AND n.until >= t.now) FROM t",
            mails_of("IN (SELECT id FROM dead)"),
            calls_of("IN (SELECT id FROM dead)", 0),
        );
        let rows = server.ask(sql, args![self.id(), LEASE_MICROS]).await?;
        let answered = Timestamp::now().as_microsecond();
        let [now, alive] = [0, 1].map(|column| rows[0].try_get::<i64, _>(column).map_err(error));
        let (now, alive) = (now?, alive?);
        let ends: Option<i64> = rows[0].try_get(2).map_err(error)?;
        let living: Vec<i64> = rows[0].try_get(3).map_err(error)?;
        self.skew.store(now - (asked + answered) / 2, Ordering::Release);
        if alive == 0 {
            tracing::warn!("this node was taken for dead; it begins anew");
            self.join(server).await?;
        }
        if self.others_live(living) {
            self.freed.notify_one();
        }
        self.others.store(ends.is_some(), Ordering::Release);
        if sweep {
            let sql = format!(
                "WITH lanes AS (DELETE FROM lane WHERE node {ORPHANED}), mails AS ({}), calls AS ({}) DELETE FROM change WHERE at < $1",
                mails_of(ORPHANED),
                calls_of(ORPHANED, 0),
            );
            server.tell(sql, args![now - NEWS_MICROS]).await?;
        }
        Ok(ends.map_or(BEAT, |end| BEAT.min(Duration::from_micros((end - now) as u64) + AFTER_THE_END)))
    }

    /// Notes the other nodes that live; whether one that lived is gone.
    fn others_live(&self, living: Vec<i64>) -> bool {
        let living = living.into_iter().collect();
        let before = std::mem::replace(&mut *locked(&self.living), living);
        before.difference(&locked(&self.living)).next().is_some()
    }

    /// What these commits mean for those who look on other nodes: one row of the first batch.
    pub fn tell<'a>(&self, batch: &mut Batch<'a>, commits: &[&Commit]) {
        fn collect(commit: &Commit, tickets: &mut Vec<(String, u64)>, told: &mut Vec<String>) {
            tickets.push((commit.changes.ticket.number.clone(), commit.changes.version));
            told.extend(commit.changes.notices.iter().filter(|n| n.portal).map(|n| n.to.clone()));
            commit.also.iter().for_each(|c| collect(c, tickets, told));
        }
        let (mut tickets, mut told) = (vec![], vec![]);
        commits.iter().for_each(|c| collect(c, &mut tickets, &mut told));
        let now = Timestamp::now().as_microsecond() + self.skew.load(Ordering::Relaxed);
        let body = serde_json::json!([tickets, told]).to_string();
        batch.row(CHANGE, [self.id().into(), now.into(), body.into()]);
    }
}

/// Frees the mails that these nodes have claimed: they are due at once.
fn mails_of(owner: &str) -> String {
    format!("UPDATE outbox SET due = created, owner = NULL WHERE state = 'due' AND state <> 'sent' AND owner {owner}")
}

/// Frees the programs' runs that these nodes have claimed, and takes back so many attempts of each.
fn calls_of(owner: &str, attempts: u32) -> String {
    format!("UPDATE call SET due = 0, owner = NULL, attempts = greatest(attempts - {attempts}, 0) WHERE owner {owner}")
}

async fn beats(node: Weak<Node>, server: Weak<Server>) {
    let mut wait = BEAT;
    for n in 0_u64.. {
        tokio::time::sleep(wait).await;
        let (Some(node), Some(server)) = (node.upgrade(), server.upgrade()) else { return };
        if node.id() == 0 {
            return;
        }
        let beaten = match server.look().await {
            Ok(()) => node.beat(&server, n % SWEEP_EVERY == 0).await,
            Err(e) => Err(e),
        };
        wait = beaten.unwrap_or_else(|e| {
            tracing::warn!("this node could not say that it is there: {e}");
            BEAT
        });
    }
}

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| "node".into(), |h| h.trim().to_owned())
}

#[async_trait]
impl Nodes for PostgresStore {
    async fn lane(&self, lane: &str) -> Result<bool> {
        let id = self.node.id();
        let holder = locked(&self.node.lanes).get(lane).copied();
        match holder {
            Some(holder) if holder == id => return Ok(true),
            // A node keeps its lanes until it dies or leaves, which the next beat tells.
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
        let (mails, calls) = (mails_of("= $1"), calls_of("= $1", 1));
        let sql = format!(
            "WITH gone AS (DELETE FROM lane WHERE node = $1), mails AS ({mails}), calls AS ({calls}) DELETE FROM node WHERE id = $1"
        );
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
            let next = attempt.next(*failures as u32, crate::rows::time(*last).map_err(error)?);
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
