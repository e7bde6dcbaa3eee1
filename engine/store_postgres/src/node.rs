//! This process among the nodes. Its id is its epoch: the row goes when it was silent for too long, and with the row the
//! right to commit, so that a process that wakes up late finds itself shut out and joins anew.

use crate::arg::args;
use crate::batch::Batch;
use crate::rows::error;
use crate::server::Server;
use jiff::Timestamp;
use sqlx::Row;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use vorgang_store::deliveries::Channel;
use vorgang_store::nodes::Here;
use vorgang_store::{Commit, Result};

/// The condition on rows whose node no longer exists.
const ORPHANED: &str = "NOT IN (SELECT id FROM node)";

/// Silent for so long, a node is taken for dead.
const LEASE_MICROS: i64 = 8_000_000;
const BEAT: Duration = Duration::from_secs(2);

/// A beat that is due because another node's lease ends comes this much after that end.
const AFTER_THE_END: Duration = Duration::from_millis(50);

/// So often what dead nodes left is swept, in beats.
const SWEEP_EVERY: u64 = 30;

/// How long news are kept: pages that are open on a node that was away for longer are loaded anew.
pub(crate) const NEWS_MICROS: i64 = 60_000_000;

/// The database's time in microseconds.
pub const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
const CHANGE: &str = "INSERT INTO change (node, at, body) SELECT * FROM unnest({})";

#[derive(Default)]
pub struct Node {
    pub(crate) id: AtomicI64,
    pub(crate) others: AtomicBool,
    pub(crate) revision: AtomicI64,
    /// Microseconds that the database's clock is ahead.
    pub(crate) skew: AtomicI64,
    /// The holder of each lane, as of the last query.
    pub(crate) lanes: Mutex<HashMap<String, i64>>,
    /// The other nodes that were alive at the last heartbeat.
    pub(crate) living: Mutex<BTreeSet<i64>>,
    pub(crate) here: Mutex<Here>,
    pub(crate) seen: tokio::sync::Mutex<Seen>,
    /// Another node died or left: its claims and lanes are free.
    pub freed: Notify,
}

#[derive(Default)]
pub(crate) struct Seen {
    /// Transactions before this one were read.
    pub(crate) xid: i64,
    pub(crate) people: i64,
    pub(crate) revision: Option<i64>,
    /// When that was, by the database's clock in microseconds.
    pub(crate) at: i64,
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
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
             freed AS ({}), \
             me AS (UPDATE node SET until = now + $2 FROM t WHERE id = $1 RETURNING id) \
             SELECT t.now, (SELECT count(*) FROM me), \
             (SELECT min(until) FROM node n, t WHERE n.id <> $1 AND n.until >= t.now), \
             (SELECT coalesce(array_agg(n.id), '{{}}') FROM node n, t WHERE n.id <> $1 AND n.until >= t.now) FROM t",
            freed_of("IN (SELECT id FROM dead)", false),
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
                "WITH lanes AS (DELETE FROM lane WHERE node {ORPHANED}), freed AS ({}) DELETE FROM change WHERE at < $1",
                freed_of(ORPHANED, false),
            );
            server.tell(sql, args![now - NEWS_MICROS]).await?;
        }
        Ok(ends.map_or(BEAT, |end| BEAT.min(Duration::from_micros((end - now) as u64) + AFTER_THE_END)))
    }

    /// Stores the other nodes that are alive. True if a node that was alive is gone.
    fn others_live(&self, living: Vec<i64>) -> bool {
        let living = living.into_iter().collect();
        let before = std::mem::replace(&mut *locked(&self.living), living);
        before.difference(&locked(&self.living)).next().is_some()
    }

    /// What these commits mean for those who look on other nodes: one row of the first batch.
    pub fn tell<'a>(&self, batch: &mut Batch<'a>, commits: &[&Commit]) {
        fn collect(commit: &Commit, tickets: &mut Vec<(String, u64)>, told: &mut Vec<String>) {
            tickets.push((commit.changes.ticket.number.to_string(), commit.changes.version));
            told.extend(commit.changes.notices.iter().filter(|n| n.portal).map(|n| n.to.to_string()));
            commit.also.iter().for_each(|c| collect(c, tickets, told));
        }
        let (mut tickets, mut told) = (vec![], vec![]);
        commits.iter().for_each(|c| collect(c, &mut tickets, &mut told));
        let now = Timestamp::now().as_microsecond() + self.skew.load(Ordering::Relaxed);
        let body = serde_json::json!([tickets, told]).to_string();
        batch.row(CHANGE, [self.id().into(), now.into(), body.into()]);
    }
}

/// Frees what these nodes have claimed: it is due at once. Nodes that end in good order take back the attempts that they have broken
/// off; those that died have made them.
pub(crate) fn freed_of(owner: &str, in_good_order: bool) -> String {
    let broken_off = match (in_good_order, Channel::ALL.into_iter().find(|c| c.counts_beginnings())) {
        (true, Some(channel)) => format!("CASE WHEN channel = '{}' THEN 1 ELSE 0 END", channel.word()),
        _ => "0".to_owned(),
    };
    format!(
        "UPDATE delivery SET due = created, owner = NULL, attempts = greatest(attempts - {broken_off}, 0) \
         WHERE owner IS NOT NULL AND state = 'due' AND owner {owner}"
    )
}

async fn beats(node: Weak<Node>, server: Weak<Server>) {
    let mut wait = BEAT;
    for n in 0_u64.. {
        tokio::time::sleep(wait).await;
        let (Some(node), Some(server)) = (node.upgrade(), server.upgrade()) else { return };
        if node.id() == 0 {
            return;
        }
        let beaten = match server.find_primary().await {
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
