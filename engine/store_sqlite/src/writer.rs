//! The one writer: concurrent commits are gathered into one physical transaction, each in its own savepoint, and
//! answered only after the commit is on disk.
//!
//! Whoever comes while nobody writes commits on its own thread: waking another one and being woken by it costs as much
//! as the write. Whoever comes meanwhile queues for the writer's thread, which takes all that wait at once.

use crate::names;
use crate::rows::{error, json, micros};
use crate::tables::{calls, courier, deliveries, desk_events, inbox, messages, redaction, search, site};
use rusqlite::{Connection, params};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;
use vorgang_core::article::Article;
use vorgang_core::ids::{Login, TicketId};
use vorgang_core::linked::Linked;
use vorgang_core::snapshot::{WorkItem, WorkStatus};
use vorgang_store::names::NameIds;
use vorgang_store::{Commit, Origin, Result, StoreError};

/// Commands that one physical transaction gathers at most.
pub const BATCH_MAX: usize = 256;

/// A commit shorter than this may hold up the other tasks of its thread: handing them to another costs as much.
const SHORT_MICROS: u64 = 1_000;

type Write = Box<dyn FnOnce(&Connection, &mut Vec<(String, i64)>) -> Result<i64> + Send>;

struct Job {
    write: Write,
    reply: oneshot::Sender<Result<i64>>,
    /// Names or people changed: the ids in memory are read again.
    reload: bool,
}

/// INVARIANT (one writer): whoever writes holds the lock on the only connection that may.
struct Shared {
    connection: Mutex<Connection>,
    names: Arc<NameIds>,
    /// Jobs that wait for the writer's thread.
    queued: AtomicUsize,
    /// How long the last commits took, in microseconds.
    commit_micros: AtomicU64,
    /// How many commands the last commit gathered.
    last_batch: AtomicUsize,
}

#[derive(Clone)]
pub struct Writer {
    shared: Arc<Shared>,
    jobs: Sender<Job>,
}

impl Writer {
    pub fn start(connection: Connection, names: Arc<NameIds>) -> std::io::Result<Self> {
        let (jobs, receiver) = channel();
        let shared = Arc::new(Shared {
            connection: Mutex::new(connection),
            names,
            queued: AtomicUsize::new(0),
            commit_micros: AtomicU64::new(SHORT_MICROS),
            last_batch: AtomicUsize::new(1),
        });
        let writer = shared.clone();
        std::thread::Builder::new().name("sqlite-writer".into()).spawn(move || run_writer(&writer, &receiver))?;
        Ok(Self { shared, jobs })
    }

    pub async fn write(
        &self,
        reload: bool,
        write: impl FnOnce(&Connection, &mut Vec<(String, i64)>) -> Result<i64> + Send + 'static,
    ) -> Result<i64> {
        let gone = || StoreError::Unknown("the writer has stopped".into());
        let (reply, mut answer) = oneshot::channel();
        let job = Job { write: Box::new(write), reply, reload };
        let Some(job) = self.write_here(job) else { return answer.try_recv().map_err(|_| gone())? };
        self.shared.queued.fetch_add(1, Ordering::AcqRel);
        self.jobs.send(job).map_err(|_| StoreError::Unavailable("the writer has stopped".into()))?;
        answer.await.map_err(|_| gone())?
    }

    /// The writer's connection, while nobody writes or waits to: it has in memory what was written last, where a
    /// reader begins with nothing after every commit.
    pub fn idle(&self) -> Option<MutexGuard<'_, Connection>> {
        // Where many write, the writer is not kept waiting.
        let alone = self.shared.last_batch.load(Ordering::Relaxed) == 1 && self.shared.queued.load(Ordering::Acquire) == 0;
        if alone { self.shared.connection.try_lock().ok() } else { None }
    }

    /// Runs between two batches, outside a transaction; `None` once the writer is gone.
    pub fn between(&self) -> impl Fn(&dyn Fn(&Connection)) -> Option<()> + Send + 'static {
        let shared = Arc::downgrade(&self.shared);
        move |work| {
            let shared = shared.upgrade()?;
            work(&shared.connection.lock().unwrap_or_else(PoisonError::into_inner));
            Some(())
        }
    }

    /// Commits the job on this thread if nobody else writes or waits to; gives it back otherwise.
    fn write_here(&self, job: Job) -> Option<Job> {
        // Other tasks of this thread go on elsewhere meanwhile; a runtime of one thread has no elsewhere, and nobody to hold up
        // but its own tasks.
        let elsewhere = Handle::try_current().is_ok_and(|h| h.runtime_flavor() == RuntimeFlavor::MultiThread);
        let Some(connection) = self.idle() else { return Some(job) };
        let commit = || commit_batch(&connection, &self.shared.names, vec![job]);
        let (begun, lately) = (Instant::now(), self.shared.commit_micros.load(Ordering::Relaxed));
        if lately < SHORT_MICROS || !elsewhere {
            commit()
        } else {
            tokio::task::block_in_place(commit)
        }
        let micros = begun.elapsed().as_micros() as u64;
        self.shared.commit_micros.store((lately * 7 + micros) / 8, Ordering::Relaxed);
        None
    }
}

fn run_writer(shared: &Shared, jobs: &Receiver<Job>) {
    // No artificial delay: batches form by themselves while the previous one is written to disk.
    while let Ok(first) = jobs.recv() {
        let connection = shared.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(job) = jobs.try_recv()
        {
            batch.push(job);
        }
        shared.queued.fetch_sub(batch.len(), Ordering::AcqRel);
        shared.last_batch.store(batch.len(), Ordering::Relaxed);
        commit_batch(&connection, &shared.names, batch);
    }
}

fn commit_batch(connection: &Connection, names: &NameIds, batch: Vec<Job>) {
    let (begun, size) = (Instant::now(), batch.len());
    write_batch(connection, names, batch);
    vorgang_store::measures::committed(size, begun.elapsed());
}

fn write_batch(connection: &Connection, names: &NameIds, batch: Vec<Job>) {
    let mut replies: Vec<(oneshot::Sender<Result<i64>>, Result<i64>)> = vec![];
    let mut fresh = vec![];
    let mut reload = false;
    let mut lost = connection.execute_batch("BEGIN IMMEDIATE").err().map(error);
    for job in batch {
        if let Some(reason) = &lost {
            replies.push((job.reply, Err(reason.clone())));
            continue;
        }
        let result = in_savepoint(connection, job.write, &mut fresh);
        // Disk full, I/O error, out of memory, corruption: SQLite has rolled the whole transaction back.
        if connection.is_autocommit() {
            let reason =
                result.as_ref().err().cloned().unwrap_or_else(|| StoreError::Unavailable("the transaction was rolled back".into()));
            lost = Some(match reason {
                StoreError::Corrupt(_) => reason,
                reason if reason.passes() => reason,
                other => StoreError::Unavailable(other.to_string()),
            });
        }
        reload |= job.reload && result.is_ok();
        replies.push((job.reply, result));
    }
    if lost.is_none()
        && let Err(e) = connection.execute_batch("COMMIT")
    {
        end_if_unsynced(&e);
        let _ = connection.execute_batch("ROLLBACK");
        lost = Some(error(e));
    }
    match lost {
        Some(reason) => {
            for (reply, _) in replies {
                let _ = reply.send(Err(reason.clone()));
            }
        }
        None => {
            names.remember("audience", fresh);
            if reload && let Err(e) = names::reload(names, connection) {
                tracing::error!("names could not be read: {e}");
            }
            for (reply, result) in replies {
                let _ = reply.send(result);
            }
        }
    }
}

/// After a failed fsync, of the log or of the database's file, nobody knows what is on disk: the process ends, and its next start
/// reads it again.
pub fn end_if_unsynced(e: &rusqlite::Error) {
    const SQLITE_IOERR_FSYNC: i32 = 1034;
    const SQLITE_IOERR_DIR_FSYNC: i32 = 1290;
    let codes = [SQLITE_IOERR_FSYNC, SQLITE_IOERR_DIR_FSYNC];
    if matches!(e, rusqlite::Error::SqliteFailure(f, _) if codes.contains(&f.extended_code)) {
        tracing::error!("fsync failed: {e}");
        std::process::abort();
    }
}

fn in_savepoint(connection: &Connection, write: Write, fresh: &mut Vec<(String, i64)>) -> Result<i64> {
    connection.prepare_cached("SAVEPOINT one").and_then(|mut s| s.execute([])).map_err(error)?;
    let known = fresh.len();
    let result = write(connection, fresh);
    if result.is_err() && !connection.is_autocommit() {
        fresh.truncate(known);
        connection.prepare_cached("ROLLBACK TO one").and_then(|mut s| s.execute([])).map_err(error)?;
    }
    if !connection.is_autocommit() {
        connection.prepare_cached("RELEASE one").and_then(|mut s| s.execute([])).map_err(error)?;
    }
    result
}

/// Writes the rows of one command.
pub fn commit(connection: &Connection, names: &NameIds, fresh: &mut Vec<(String, i64)>, commit: &Commit) -> Result<i64> {
    let changes = &commit.changes;
    let t = &changes.ticket;
    ticket(connection, names, commit)?;
    let run = |sql: &str, params: &[&dyn rusqlite::ToSql]| -> Result<()> {
        connection.prepare_cached(sql).and_then(|mut s| s.execute(params)).map(|_| ()).map_err(error)
    };
    for i in &changes.instances {
        run(
            "INSERT INTO instance (ticket_id, seq, process, hash, started, started_by, outcome, ended, more) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
             ON CONFLICT DO UPDATE SET outcome = excluded.outcome, ended = excluded.ended, more = excluded.more",
            params![
                t.id.0,
                i.seq.0,
                i.process,
                i.hash,
                micros(i.started),
                i.started_by.as_str(),
                i.outcome,
                i.ended.map(micros),
                text(i.more.as_ref())?
            ],
        )?;
    }
    for w in &changes.work {
        work(connection, names, fresh, t.id, w).map_err(error)?;
    }
    for s in &changes.steps {
        run(
            "INSERT INTO step (ticket_id, instance, activity, outcome, by, at, votes, ord, undone, items) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
             ON CONFLICT DO UPDATE SET outcome = excluded.outcome, by = excluded.by, at = excluded.at, votes = excluded.votes, \
             ord = excluded.ord, undone = excluded.undone, items = excluded.items",
            params![
                t.id.0,
                s.instance.0,
                s.activity,
                s.outcome,
                s.by.as_str(),
                micros(s.at),
                list(&s.votes)?,
                s.order,
                s.undone,
                list(&s.items)?
            ],
        )?;
    }
    for v in &changes.votes {
        // A vote on an item that this command ends is only history.
        if changes.work.iter().any(|w| w.seq == v.work && !w.status.is_open()) {
            continue;
        }
        run(
            "INSERT INTO vote (ticket_id, work, person, outcome, at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![t.id.0, v.work.0, v.person.as_str(), v.outcome, micros(v.at)],
        )?;
    }
    for work in &changes.timers_of {
        run("DELETE FROM timer WHERE ticket_id = ?1 AND work = ?2", params![t.id.0, work.0])?;
    }
    for seq in &changes.timers_ended {
        run("DELETE FROM timer WHERE ticket_id = ?1 AND seq = ?2", params![t.id.0, seq.0])?;
    }
    for timer in &changes.timers {
        let state = serde_json::to_string(timer).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        run(
            "INSERT INTO timer (ticket_id, seq, work, epoch, due, state) VALUES (?1, ?2, ?3, 0, ?4, ?5) \
             ON CONFLICT DO UPDATE SET due = excluded.due, state = excluded.state",
            params![t.id.0, timer.seq.0, timer.work.map_or(0, |work| work.0), timer.fires().map(micros), state],
        )?;
    }
    for (person, since) in &changes.watchers {
        run(
            "INSERT INTO watcher (ticket_id, person, since) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![t.id.0, person.as_str(), micros(*since)],
        )?;
    }
    for person in &changes.watchers_gone {
        run("DELETE FROM watcher WHERE ticket_id = ?1 AND person = ?2", params![t.id.0, person.as_str()])?;
    }
    for i in &changes.incidents {
        let body = serde_json::to_string(i).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        run(
            "INSERT INTO incident (ticket_id, seq, raised, resolved, body) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT DO UPDATE SET resolved = excluded.resolved, body = excluded.body",
            params![t.id.0, i.seq.0, micros(i.raised), i.resolved.map(micros), body],
        )?;
    }
    for b in &changes.blobs {
        run("INSERT INTO blob (hash, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING", params![b.hash, *b.bytes])?;
    }
    for a in &changes.articles {
        run(
            "INSERT INTO article (ticket_id, seq, channel, sender, author, visible, subject, body, created, origin, head, withdrawn, rejected) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            params![
                t.id.0,
                a.seq.0,
                a.channel,
                a.sender.word(),
                a.author,
                a.visible,
                a.subject,
                a.body,
                micros(a.at),
                a.origin.as_deref(),
                head_json(a)?,
                a.withdrawn,
                a.rejected
            ],
        )?;
        for (part, p) in a.attachments.iter().enumerate() {
            run(
                "INSERT INTO article_part (ticket_id, article_seq, part, name, content_type, size, blob_hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![t.id.0, a.seq.0, part as i64, p.name, p.content_type, p.size as i64, p.blob],
            )?;
        }
    }
    search::write(connection, changes).map_err(error)?;
    inbox::write(connection, changes, commit.history.at)?;
    deliveries::write(connection, commit).map_err(error)?;
    if let Some(redaction) = &commit.redaction {
        redaction::write(connection, t.id, &t.number, &t.title, redaction)?;
    }
    calls::write(connection, changes)?;
    site::write(connection, changes)?;
    courier::write(connection, changes, &commit.history.actor, commit.history.at)?;
    messages::write(connection, changes, |login| names.person(login)).map_err(error)?;
    for (other, kind, since) in &changes.links {
        run(
            "INSERT INTO ticket_link (ticket_id, other_id, kind, created) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            params![t.id.0, other.0, kind, micros(*since)],
        )?;
    }
    for (other, kind) in &changes.links_gone {
        let turned = Linked::turned(kind);
        run(
            "DELETE FROM ticket_link WHERE (ticket_id = ?1 AND other_id = ?2 AND kind = ?3) OR (ticket_id = ?2 AND other_id = ?1 AND kind = ?4)",
            params![t.id.0, other.0, kind, turned],
        )?;
    }
    let h = &commit.history;
    match &commit.origin {
        Origin::Plain => {}
        Origin::DeskEvent(event) => desk_events::done(connection, *event)?,
        Origin::Message(message) => courier::mark(connection, *message, t.id)?,
        Origin::Job { run: job, failed } => {
            run("INSERT INTO job_done (run, ticket_id, failed) VALUES (?1, ?2, ?3)", params![job, t.id.0, failed])?;
        }
        Origin::Mail(mail) => inbox::add(connection, mail, Some(t.id))?,
        Origin::Request(i) => {
            let person = names.person(&i.login).ok_or(StoreError::NotFound)?;
            run(
                "INSERT INTO idempotency (person_id, key, body_hash, status, answer, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![person, i.key, &i.body_hash[..], i.status, i.answer, micros(h.at)],
            )?;
        }
    }
    run(
        "INSERT INTO history (ticket_id, version, format, at, actor, command, cause, events, personal, salt, personal_digest, hash) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            t.id.0,
            changes.version as i64,
            vorgang_core::event::FORMAT,
            micros(h.at),
            h.actor,
            h.command,
            h.cause,
            h.payload.events,
            h.payload.personal,
            &h.salt[..],
            &h.personal_digest[..],
            &h.hash[..]
        ],
    )?;
    for also in &commit.also {
        self::commit(connection, names, fresh, also)?;
    }
    Ok(t.id.0)
}

fn head_json(article: &Article) -> Result<Option<String>> {
    let json = |head| serde_json::to_string(head).map_err(|e| StoreError::Corrupt(e.to_string()));
    article.head.as_ref().map(json).transpose()
}

fn text<T: serde::Serialize>(value: Option<&T>) -> Result<Option<String>> {
    value.map(|v| serde_json::to_string(v).map_err(|e| StoreError::Corrupt(e.to_string()))).transpose()
}

/// Few steps are approvals or have copies: the others have no lists.
fn list<T: serde::Serialize>(values: &[T]) -> Result<Option<String>> {
    text(Some(values).filter(|v| !v.is_empty()).as_ref())
}

/// Only what changed is written: a step that leaves attributes and fields alone touches four columns.
fn ticket(connection: &Connection, names: &NameIds, commit: &Commit) -> Result<()> {
    let changes = &commit.changes;
    let t = &changes.ticket;
    let head = &commit.history.hash[..];
    let (version, expected) = (changes.version as i64, commit.expected_version as i64);
    if !changes.created && !changes.attributes_changed && !changes.fields_changed {
        let sql = "UPDATE ticket SET version = ?2, last_seq = ?3, updated = ?4, head = ?5, parts = ?7 WHERE id = ?1 AND version = ?6";
        let mut statement = connection.prepare_cached(sql).map_err(error)?;
        let rows = statement
            .execute(params![t.id.0, version, changes.last_seq, micros(t.updated), head, expected, changes.parts])
            .map_err(error)?;
        return if rows == 1 { Ok(()) } else { Err(StoreError::Conflict) };
    }
    let fields = serde_json::to_string(&t.fields).map_err(|e| StoreError::Corrupt(e.to_string()))?;
    // No index has to be looked at where only own fields changed.
    if !changes.created && !changes.attributes_changed {
        let sql = "UPDATE ticket SET version = ?2, last_seq = ?3, updated = ?4, head = ?5, parts = ?7, fields = ?8 WHERE id = ?1 AND version = ?6";
        let mut statement = connection.prepare_cached(sql).map_err(error)?;
        let values = params![t.id.0, version, changes.last_seq, micros(t.updated), head, expected, changes.parts, fields];
        return if statement.execute(values).map_err(error)? == 1 { Ok(()) } else { Err(StoreError::Conflict) };
    }
    let person = |login: &Option<Login>| -> Result<Option<i64>> {
        let found = |l: &Login| names.person(l).ok_or_else(|| StoreError::Corrupt(format!("nobody has the login `{l}`")));
        login.as_ref().map(found).transpose()
    };
    let company = t.customer.as_ref().map(|c| names.id("company", c)).transpose()?;
    let sql = if changes.created {
        "INSERT INTO ticket (id, number, version, last_seq, title, type_id, queue_id, state_id, priority_id, owner_id, responsible_id, \
         company_id, customer_id, pending_until, created, updated, fields, head, parts, unlocked, accounted) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?20, ?21, ?22) RETURNING ?19"
    } else {
        "UPDATE ticket SET version = ?3, last_seq = ?4, title = ?5, type_id = ?6, queue_id = ?7, state_id = ?8, priority_id = ?9, \
         owner_id = ?10, responsible_id = ?11, company_id = ?12, customer_id = ?13, pending_until = ?14, updated = ?16, fields = ?17, \
         head = ?18, parts = ?20, unlocked = ?21, accounted = ?22 WHERE id = ?1 AND version = ?19 AND number = ?2 AND created = ?15 RETURNING id"
    };
    let mut statement = connection.prepare_cached(sql).map_err(error)?;
    let values = params![
        t.id.0,
        t.number.as_str(),
        version,
        changes.last_seq,
        t.title,
        names.id("type", &t.ticket_type)?,
        names.id("queue", &t.queue)?,
        names.id("state", &t.state)?,
        names.id("priority", &t.priority)?,
        person(&t.owner)?,
        person(&t.responsible)?,
        company,
        person(&t.customer_user)?,
        t.pending_until.map(micros),
        micros(t.created),
        micros(t.updated),
        fields,
        head,
        expected,
        changes.parts,
        t.unlocked,
        t.accounted
    ];
    let mut rows = statement.query(values).map_err(error)?;
    match rows.next().map_err(error)? {
        Some(_) => Ok(()),
        None => Err(StoreError::Conflict),
    }
}

/// Open items are rows; an ended one goes, with its audience and its votes.
fn work(connection: &Connection, names: &NameIds, fresh: &mut Vec<(String, i64)>, ticket: TicketId, w: &WorkItem) -> rusqlite::Result<()> {
    let run = |sql: &str, params: &[&dyn rusqlite::ToSql]| connection.prepare_cached(sql).and_then(|mut s| s.execute(params)).map(|_| ());
    let old: Option<String> = {
        let mut statement = connection.prepare_cached("SELECT audience FROM work WHERE ticket_id = ?1 AND seq = ?2")?;
        let mut rows = statement.query(params![ticket.0, w.seq.0])?;
        rows.next()?.map(|r| r.get(0)).transpose()?
    };
    let open = w.status.is_open();
    let old_keys: Vec<String> = old.as_deref().map(json).transpose()?.unwrap_or_default();
    let new_keys: &[String] = if open { &w.audience } else { &[] };
    for key in old_keys.iter().filter(|k| !new_keys.contains(k)) {
        let id = names::audience(names, connection, key, fresh)?;
        run("DELETE FROM work_audience WHERE key_id = ?1 AND ticket_id = ?2 AND seq = ?3", params![id, ticket.0, w.seq.0])?;
    }
    for key in new_keys.iter().filter(|k| !old_keys.contains(k)) {
        let id = names::audience(names, connection, key, fresh)?;
        run("INSERT INTO work_audience (key_id, ticket_id, seq) VALUES (?1, ?2, ?3)", params![id, ticket.0, w.seq.0])?;
    }
    if !open {
        if old.is_some() {
            run("DELETE FROM work WHERE ticket_id = ?1 AND seq = ?2", params![ticket.0, w.seq.0])?;
            run("DELETE FROM vote WHERE ticket_id = ?1 AND work = ?2", params![ticket.0, w.seq.0])?;
        }
        return Ok(());
    }
    let audience = serde_json::json!(w.audience).to_string();
    debug_assert!(w.status != WorkStatus::Done);
    let unwritten = |e: serde_json::Error| rusqlite::Error::ToSqlConversionFailure(e.into());
    let more = w.more.as_ref().map(serde_json::to_string).transpose().map_err(unwritten)?;
    if old.is_some() {
        return run(
            "UPDATE work SET status = ?3, claimed_by = ?4, epoch = ?5, audience = ?6, more = ?7 WHERE ticket_id = ?1 AND seq = ?2",
            params![ticket.0, w.seq.0, w.status.word(), w.claimed_by.as_deref(), w.epoch, audience, more],
        );
    }
    run(
        "INSERT INTO work (ticket_id, seq, instance, activity, status, source, claimed_by, entered, epoch, audience, more) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            ticket.0,
            w.seq.0,
            w.instance.0,
            w.activity,
            w.status.word(),
            w.source,
            w.claimed_by.as_deref(),
            micros(w.entered),
            w.epoch,
            audience,
            more
        ],
    )
}
