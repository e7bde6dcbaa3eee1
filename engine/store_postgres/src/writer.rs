//! Concurrent commits are gathered into one transaction: what waits while one is written goes into the next. Tickets are
//! locked in the order of their ids and their versions compared here, so that a commit that comes too late keeps nobody
//! else from being written.

use crate::batch::Batch;
use crate::node::Node;
use crate::rows::{again, error, exhausted, lost};
use crate::server::{PATIENCE, Server};
use crate::tables::site::Around;
use crate::{names, write};
use sqlx::{Connection, PgConnection, Row};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::Instant;
use vorgang_core::ids::TicketId;
use vorgang_store::names::NameIds;
use vorgang_store::{Commit, Result, StoreError};

/// Commands that one transaction gathers at most.
pub const BATCH_MAX: usize = 256;

/// A batch takes no more commands once it carries so much, in bytes: PostgreSQL takes no statement above 1 GB.
const BATCH_BYTES_MAX: usize = 32 << 20;

/// Transactions at the same time: while one waits for the disk, the next is filled.
const WRITERS: usize = 2;

/// How often a batch is begun again because another transaction was in its way.
const AGAIN_MAX: u32 = 8;
const PAUSE: Duration = Duration::from_millis(50);

/// Commands that may wait; more is more than the database can take.
const QUEUE: usize = 10_000;

struct Job {
    commit: Commit,
    reply: oneshot::Sender<Result<()>>,
}

pub struct Writer {
    jobs: mpsc::Sender<Job>,
}

/// What all writers of a node share.
pub struct Shared {
    pub server: Arc<Server>,
    pub names: Arc<NameIds>,
    pub node: Arc<Node>,
}

struct Task {
    shared: Arc<Shared>,
    connection: Option<(PgConnection, u64)>,
    /// An attempt to write this batch ended without being seen to.
    unknown: bool,
    /// An attempt was told to commit: what it wrote may be there.
    told: AtomicBool,
}

/// Why a batch was not written.
enum Failure {
    /// The connection is gone; whether the transaction was committed is not known.
    Lost(sqlx::Error),
    /// This node was taken for dead: what it held is somebody else's.
    Fenced,
    /// Another transaction was in the way.
    Again,
    /// Nothing can be written now.
    Exhausted(StoreError),
    /// One of the commits cannot be written: which one shows when each is tried alone.
    Refused(StoreError),
}

impl From<sqlx::Error> for Failure {
    fn from(e: sqlx::Error) -> Self {
        if lost(&e) {
            Self::Lost(e)
        } else if again(&e) {
            Self::Again
        } else if exhausted(&e) {
            Self::Exhausted(error(e))
        } else {
            Self::Refused(error(e))
        }
    }
}

impl Writer {
    pub fn start(shared: Arc<Shared>) -> Self {
        let (jobs, receiver) = mpsc::channel(QUEUE);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..WRITERS {
            let mut task = Task { shared: shared.clone(), connection: None, unknown: false, told: AtomicBool::new(false) };
            let receiver = receiver.clone();
            tokio::spawn(async move {
                while let Some(batch) = gather(&receiver).await {
                    task.write(batch).await;
                }
            });
        }
        Self { jobs }
    }

    pub async fn commit(&self, commit: Commit) -> Result<()> {
        let gone = || StoreError::Unknown("the writer has stopped".into());
        let (reply, answer) = oneshot::channel();
        self.jobs.try_send(Job { commit, reply }).map_err(|_| StoreError::Busy("too many commands wait for the database".into()))?;
        answer.await.map_err(|_| gone())?
    }
}

/// What a commit brings along that may be large, in bytes.
fn bytes(commit: &Commit) -> usize {
    let changes = &commit.changes;
    let blobs: usize = changes.blobs.iter().map(|b| b.bytes.len()).sum();
    blobs + commit.history.payload.personal.len() + commit.also.iter().map(bytes).sum::<usize>()
}

/// All that waits, at least one, up to what one statement carries; `None` when nobody can ask any more.
async fn gather(receiver: &Mutex<mpsc::Receiver<Job>>) -> Option<Vec<Job>> {
    let mut receiver = receiver.lock().await;
    let mut batch = vec![receiver.recv().await?];
    let mut carried = bytes(&batch[0].commit);
    while batch.len() < BATCH_MAX
        && carried < BATCH_BYTES_MAX
        && let Ok(job) = receiver.try_recv()
    {
        carried += bytes(&job.commit);
        batch.push(job);
    }
    Some(batch)
}

impl Task {
    async fn write(&mut self, batch: Vec<Job>) {
        let (commits, replies): (Vec<Commit>, Vec<_>) = batch.into_iter().map(|j| (j.commit, j.reply)).unzip();
        let all: Vec<&Commit> = commits.iter().collect();
        self.unknown = false;
        *self.told.get_mut() = false;
        let begun = Instant::now();
        let results = match self.settle(&all).await {
            Ok(results) => results,
            Err(StoreError::Conflict) if all.len() > 1 => {
                let mut results = vec![];
                for one in &all {
                    results.push(self.settle(&[one]).await.and_then(|mut r| r.remove(0)));
                }
                results
            }
            Err(e) => vec![Err(e); all.len()],
        };
        vorgang_store::measures::committed(all.len(), begun.elapsed());
        for (reply, result) in replies.into_iter().zip(results) {
            let result = result.map_err(|e| match e {
                // No attempt was seen to end, and nobody could look it up.
                e if *self.told.get_mut() && e.passes() => StoreError::Unknown(e.to_string()),
                e => e,
            });
            let _ = reply.send(result);
        }
    }

    /// Each commit's result. An error where the batch is to be divided ([`StoreError::Conflict`]), or nothing can be done.
    async fn settle(&mut self, commits: &[&Commit]) -> Result<Vec<Result<()>>> {
        names::ensure(&self.shared.server, &self.shared.names, commits).await?;
        let (begun, mut tries) = (Instant::now(), 0);
        loop {
            self.shared.server.check()?;
            let generation = self.shared.server.primary().generation();
            let failure = match self.attempt(commits).await {
                Ok(results) => return Ok(results),
                Err(failure) => failure,
            };
            // A transaction that was not committed goes with its connection.
            self.connection = None;
            match failure {
                Failure::Lost(e) => {
                    tracing::warn!("the database was lost: {e}");
                    self.unknown = true;
                    if begun.elapsed() > PATIENCE {
                        return Err(error(e));
                    }
                    if self.shared.server.moved(generation).await.is_err() {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                Failure::Again => {
                    tries += 1;
                    if tries > AGAIN_MAX {
                        return Err(StoreError::Busy("the tickets are locked by somebody else".into()));
                    }
                }
                Failure::Fenced => {
                    metrics::counter!("vorgang_fenced_commits_total").increment(commits.len() as u64);
                    self.shared.node.join(&self.shared.server).await?;
                    // Whatever it was decided on: it is decided again; but for what an attempt has written after all.
                    let there = self.there(commits).await?;
                    return Ok(there.into_iter().map(|t| if t { Ok(()) } else { Err(StoreError::Conflict) }).collect());
                }
                Failure::Exhausted(e) => return Err(e),
                Failure::Refused(e) if commits.len() == 1 => {
                    let there = self.there(commits).await?[0];
                    return Ok(vec![if there { Ok(()) } else { Err(e) }]);
                }
                Failure::Refused(_) => return Err(StoreError::Conflict),
            }
        }
    }

    /// Which of these were written by an attempt whose end was not seen.
    async fn there(&mut self, commits: &[&Commit]) -> Result<Vec<bool>> {
        let mut there = vec![false; commits.len()];
        if self.unknown {
            let (mut connection, _) = self.shared.server.connection().await?;
            let all: Vec<usize> = (0..commits.len()).collect();
            // Waits until an attempt that is still under way has ended.
            let ids: Vec<i64> = commits.iter().map(|c| c.changes.ticket.id.0).collect();
            let held =
                sqlx::query("SELECT id FROM ticket WHERE id = ANY ($1) ORDER BY id FOR UPDATE").bind(&ids).fetch_all(&mut connection).await;
            held.map_err(error)?;
            match written(&mut connection, commits, &all).await {
                Ok(found) => found.into_iter().for_each(|i| there[i] = true),
                Err(Failure::Lost(e)) => return Err(error(e)),
                Err(_) => return Err(StoreError::Unavailable("what was written cannot be read".into())),
            }
        }
        Ok(there)
    }

    async fn attempt(&mut self, commits: &[&Commit]) -> std::result::Result<Vec<Result<()>>, Failure> {
        let known = self.shared.server.primary();
        let (connection, _) = match &mut self.connection {
            Some(open) if open.1 == known.generation() => open,
            _ => {
                let fresh = self.shared.server.connection().await;
                let mut fresh = fresh.map_err(|e| Failure::Lost(sqlx::Error::Io(std::io::Error::other(e.to_string()))))?;
                // Statements are few and kept; what a plan gains by looking at the values is less than planning anew costs.
                sqlx::query("SET plan_cache_mode = force_generic_plan").execute(&mut fresh.0).await?;
                self.connection.insert(fresh)
            }
        };
        let written = self.shared.server.patient(transaction(connection, &self.shared, commits, (self.unknown, &self.told))).await;
        written.unwrap_or_else(|| Err(Failure::Lost(sqlx::Error::Io(std::io::Error::other("no answer in time")))))
    }
}

async fn transaction(
    connection: &mut PgConnection,
    shared: &Shared,
    commits: &[&Commit],
    (unknown, told): (bool, &AtomicBool),
) -> std::result::Result<Vec<Result<()>>, Failure> {
    let mut tx = connection.begin().await?;
    let mut versions = lock(&mut tx, shared, commits).await?;
    let mut results: Vec<Result<()>> = vec![];
    // What each commit writes, in waves: no wave has a ticket twice.
    let mut waves: Vec<(HashSet<TicketId>, Batch)> = vec![];
    let mut around = Around::default();
    let mut late = vec![];
    for (i, commit) in commits.iter().enumerate() {
        let mut parts = vec![];
        flatten(commit, &mut parts);
        let result = fits(&parts, &mut versions).and_then(|()| {
            for part in &parts {
                let ticket = part.changes.ticket.id;
                let wave = waves.iter().rposition(|(tickets, _)| tickets.contains(&ticket)).map_or(0, |at| at + 1);
                if wave == waves.len() {
                    waves.push(Default::default());
                }
                waves[wave].0.insert(ticket);
                write::rows(&mut waves[wave].1, &mut around, part, &shared.names)?;
            }
            Ok(())
        });
        match result {
            Err(StoreError::Conflict) => late.push(i),
            // Some of its rows may be in a batch already.
            Err(e) => return Err(Failure::Refused(e)),
            Ok(()) => {}
        }
        results.push(result);
    }
    if unknown && !late.is_empty() {
        for i in written(&mut tx, commits, &late).await? {
            results[i] = Ok(());
        }
    }
    if let Some((_, first)) = waves.first_mut()
        && shared.node.has_others()
    {
        let news: Vec<_> = commits.iter().zip(&results).filter(|(_, r)| r.is_ok()).map(|(c, _)| *c).collect();
        shared.node.tell(first, &news);
    }
    for batch in [&around.before].into_iter().chain(waves.iter().map(|(_, batch)| batch)).chain([&around.after]) {
        if !batch.is_empty() && !batch.execute(&mut tx).await? {
            return Err(Failure::Refused(StoreError::Conflict));
        }
    }
    told.store(true, Ordering::Release);
    let ended = tx.commit().await;
    told.store(ended.as_ref().is_err_and(lost), Ordering::Release);
    ended?;
    Ok(results)
}

fn flatten<'a>(commit: &'a Commit, parts: &mut Vec<&'a Commit>) {
    parts.push(commit);
    commit.also.iter().for_each(|c| flatten(c, parts));
}

/// Locks the tickets in the order of their ids, and gives their versions. The node is alive until the transaction ends.
async fn lock(connection: &mut PgConnection, shared: &Shared, commits: &[&Commit]) -> std::result::Result<HashMap<TicketId, u64>, Failure> {
    let mut parts = vec![];
    commits.iter().for_each(|c| flatten(c, &mut parts));
    let mut ids: Vec<i64> = parts.iter().map(|p| p.changes.ticket.id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    let sql = "WITH me AS MATERIALIZED (SELECT id FROM node WHERE id = $2 FOR KEY SHARE), \
         held AS MATERIALIZED (SELECT id, version FROM ticket WHERE id = ANY ($1) ORDER BY id FOR UPDATE) \
         SELECT id, version FROM held UNION ALL SELECT -1, (SELECT count(*) FROM node WHERE id <> $2) FROM me";
    let rows = sqlx::query(sql).bind(&ids).bind(shared.node.id()).fetch_all(connection).await?;
    let mut versions = HashMap::with_capacity(rows.len());
    for row in rows {
        versions.insert(TicketId(row.try_get(0)?), row.try_get::<i64, _>(1)? as u64);
    }
    match versions.remove(&TicketId(-1)) {
        Some(others) => shared.node.others_are(others > 0),
        None => return Err(Failure::Fenced),
    }
    Ok(versions)
}

/// Has every ticket the version that the commit was decided on? Then it has the next one.
fn fits(parts: &[&Commit], versions: &mut HashMap<TicketId, u64>) -> Result<()> {
    let mut after: HashMap<TicketId, u64> = HashMap::new();
    for part in parts {
        let ticket = part.changes.ticket.id;
        let now = after.get(&ticket).or_else(|| versions.get(&ticket)).copied().unwrap_or(0);
        if now != part.expected_version {
            return Err(StoreError::Conflict);
        }
        after.insert(ticket, part.changes.version);
    }
    versions.extend(after);
    Ok(())
}

/// Which of these commits were written by an attempt whose end was not seen: the salted hash of the history tells.
async fn written(connection: &mut PgConnection, commits: &[&Commit], late: &[usize]) -> std::result::Result<Vec<usize>, Failure> {
    let tickets: Vec<i64> = late.iter().map(|i| commits[*i].changes.ticket.id.0).collect();
    let versions: Vec<i64> = late.iter().map(|i| commits[*i].changes.version as i64).collect();
    let sql =
        "SELECT h.ticket_id, h.hash FROM history h JOIN unnest($1::bigint[], $2::bigint[]) x (a, b) ON h.ticket_id = a AND h.version = b";
    let mut found = HashSet::new();
    for row in sqlx::query(sql).bind(&tickets).bind(&versions).fetch_all(connection).await? {
        found.insert((row.try_get::<i64, _>(0)?, row.try_get::<Vec<u8>, _>(1)?));
    }
    let is_there = |i: &usize| found.contains(&(commits[*i].changes.ticket.id.0, commits[*i].history.hash.to_vec()));
    Ok(late.iter().copied().filter(is_there).collect())
}
