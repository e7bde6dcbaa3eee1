//! What the runtime asks of a database: one coarse trait, free of any dialect. Every list takes the caller's
//! rights as a [`Filter`], so that forgetting them does not compile.

pub mod checkpoints;
pub mod conformance;
pub mod courier;
pub mod deliveries;
pub mod desk_events;
pub mod due;
pub mod files;
pub mod health;
pub mod inbox;
pub mod measures;
pub mod messages;
pub mod names;
pub mod nodes;
pub mod redaction;
pub mod security;
pub mod site;
pub mod transfer;
pub mod words;

use crate::inbox::NewInbox;
use async_trait::async_trait;
pub use checkpoints::Checkpoints;
pub use courier::Courier;
pub use deliveries::Deliveries;
pub use desk_events::DeskEvents;
use due::DueWork;
pub use health::Health;
pub use inbox::Inbox;
use jiff::Timestamp;
pub use measures::Measures;
pub use messages::Messages;
pub use nodes::Nodes;
pub use redaction::Redactions;
pub use security::Security;
use serde::{Deserialize, Serialize};
pub use site::Site;
use vorgang_core::article::Article;
use vorgang_core::chain::{self, Hash, Link, Payload};
use vorgang_core::changes::Changes;
use vorgang_core::event::Event;
use vorgang_core::filter::Filter;
use vorgang_core::ids::{ArticleId, Login, TicketId, TicketNumber, TimerId};
use vorgang_core::people::Person;
use vorgang_core::snapshot::{Incident, Instance, Snapshot, Step, WorkItem};
use vorgang_core::timer::Timer;
pub use words::Search;

/// Nothing else can go wrong with a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("not found")]
    NotFound,
    /// The version is no longer the expected one, or a key is taken.
    #[error("conflict")]
    Conflict,
    /// I/O error, no connection: nothing was written, try later.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// No space is left: nothing was written, and nothing will be until there is some.
    #[error("no space is left for the database: {0}")]
    Full(String),
    /// Too much at once, or something in the way: nothing was written, try again.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The database was lost while it wrote: whether it did is not known. The same request under the same key tells.
    #[error("it is not known whether it was written: {0}")]
    Unknown(String),
    #[error("the database is corrupt: {0}")]
    Corrupt(String),
    /// A newer release wrote it; this one does not guess what it means.
    #[error("{0}")]
    Newer(String),
}

/// A word in a row that is not known here: a newer release has written it.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not known to this release: a newer release is needed")]
pub struct UnknownWord(pub String);

impl StoreError {
    /// May the same succeed later?
    pub fn passes(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Full(_) | Self::Busy(_) | Self::Unknown(_))
    }
}

impl From<chain::Unreadable> for StoreError {
    fn from(why: chain::Unreadable) -> Self {
        match why {
            chain::Unreadable::Broken(why) => Self::Corrupt(why),
            newer => Self::Newer(newer.to_string()),
        }
    }
}

pub type Result<T> = std::result::Result<T, StoreError>;

/// A ticket as it lies in the store, with the hash of its last history row.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub snapshot: Snapshot,
    pub head: Hash,
}

/// One command's whole effect: committed together or not at all.
#[derive(Debug, Clone)]
pub struct Commit {
    pub changes: Changes,
    /// The version that the ticket must have; 0 for a new one.
    pub expected_version: u64,
    pub history: NewHistory,
    pub origin: Origin,
    /// Content that it erases.
    pub redaction: Option<Box<redaction::Redaction>>,
    /// The trace that it is part of (W3C `traceparent`): mails and programs that it sets off go on with it.
    pub trace: Option<String>,
    /// Tickets that it makes or changes.
    pub also: Vec<Commit>,
}

/// The source of a command, which the same commit marks as done.
#[derive(Debug, Clone, Default)]
pub enum Origin {
    /// A person, a timer or a command of another ticket.
    #[default]
    Plain,
    /// A request with an idempotency key, which is answered once.
    Request(Idempotency),
    /// A run of a job, which does each ticket once; whether its actions failed.
    Job { run: i64, failed: bool },
    /// An event of the desk, of which tickets are made once.
    DeskEvent(i64),
    /// A message, which reaches each ticket once.
    Message(i64),
    /// A mail that came in, which is taken once.
    Mail(Box<NewInbox>),
}

#[derive(Debug, Clone)]
pub struct NewHistory {
    pub at: Timestamp,
    pub actor: String,
    pub command: String,
    pub cause: String,
    pub payload: Payload,
    pub salt: [u8; 16],
    pub personal_digest: Hash,
    pub hash: Hash,
}

/// A history row as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    pub ticket: TicketId,
    pub version: u64,
    pub format: u32,
    pub at: i64,
    pub actor: String,
    pub command: String,
    pub cause: String,
    pub events: String,
    /// `None` once erased.
    pub personal: Option<String>,
    pub salt: Vec<u8>,
    pub personal_digest: Hash,
    pub hash: Hash,
}

impl HistoryRow {
    /// The events. Of content that was erased something empty is left; a row without its personal part has none to tell.
    pub fn events_read(&self) -> Result<Vec<Event>> {
        match &self.personal {
            Some(personal) => chain::join(self.format, &self.events, personal).map_err(|e| self.unreadable(e)),
            None => Ok(vec![]),
        }
    }

    fn unreadable(&self, why: chain::Unreadable) -> StoreError {
        match StoreError::from(why) {
            StoreError::Newer(why) => StoreError::Newer(format!("the history of ticket {}, version {}: {why}", self.ticket, self.version)),
            StoreError::Corrupt(why) => {
                StoreError::Corrupt(format!("the history of ticket {}, version {}: {why}", self.ticket, self.version))
            }
            other => other,
        }
    }

    /// What its hash is where it follows the row with this one.
    pub fn hash_after(&self, previous: Hash) -> Hash {
        chain::hash(&Link {
            ticket: self.ticket,
            version: self.version,
            format: self.format,
            at: self.at,
            actor: &self.actor,
            command: &self.command,
            cause: &self.cause,
            events: &self.events,
            salt: &self.salt,
            personal_digest: self.personal_digest,
            previous,
        })
    }
}

/// The answer to a request that may be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    pub login: Login,
    pub key: String,
    pub body_hash: Hash,
    pub status: u16,
    pub answer: String,
}

/// A ticket in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketRow {
    pub id: i64,
    pub number: TicketNumber,
    pub title: String,
    pub ticket_type: String,
    pub queue: String,
    pub state: String,
    pub priority: String,
    pub owner: Option<Login>,
    pub customer: Option<String>,
    pub customer_user: Option<Login>,
    pub created: Timestamp,
    pub updated: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    NewestFirst,
    OldestFirst,
}

/// A page of a list; `next` is the cursor of the following one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<i64>,
}

/// How many tickets lie in a queue in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    pub queue: String,
    pub state: String,
    pub tickets: u64,
}

/// A work item in a list, with its ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkRow {
    pub ticket: TicketRow,
    pub item: WorkItem,
    pub process: String,
}

/// A clock that counts in a calendar, with the id and number of its ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct CountedTimer {
    pub ticket: TicketId,
    pub number: TicketNumber,
    pub timer: Timer,
}

/// A timer, by its ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueTimer {
    pub ticket: TicketId,
    pub number: TicketNumber,
    pub seq: TimerId,
    pub due: Timestamp,
}

/// One run of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRun {
    pub id: i64,
    pub job: String,
    /// The time of its schedule; `None` by hand.
    pub tick: Option<Timestamp>,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub by: String,
    /// Tickets up to this id are done.
    pub cursor: i64,
    pub summary: JobSummary,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSummary {
    /// Tickets on which the actions ran.
    pub done: u64,
    /// Tickets on which they failed; each has an incident.
    pub failed: u64,
    /// Tickets for which the condition could not be evaluated.
    pub unclear: u64,
    /// A few of them: (number, why).
    pub examples: Vec<(String, String)>,
    /// Earlier times of the schedule that this run stands for.
    pub missed: u64,
    /// Why it ended early.
    pub error: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct IncidentRow {
    pub ticket: TicketId,
    pub number: TicketNumber,
    pub incident: Incident,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub login: Login,
    pub csrf: String,
    pub expires: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    pub id: i64,
    pub hash: String,
    /// JSON: every file with its text.
    pub files: String,
    pub applied: Timestamp,
    pub actor: String,
    /// Timers were counted anew with its calendars.
    pub counted: bool,
}

/// Names that a revision uses, so that they have ids before tickets use them.
#[derive(Debug, Clone, Default)]
pub struct NewRevision {
    pub hash: String,
    pub files: String,
    pub applied: Option<Timestamp>,
    pub actor: String,
    /// (kind, name)
    pub names: Vec<(&'static str, String)>,
    /// (hash, name, canonical)
    pub processes: Vec<(String, String, String)>,
    /// Fields by whose values tickets are found by an index; for others there is none any more.
    pub indexed: Vec<String>,
    /// That it is applied happens to the desk.
    pub happens: bool,
}

/// What a secret opens: only its hash is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    LoginLink,
    Session,
    ApiToken,
}

#[async_trait]
pub trait Store:
    Checkpoints
    + Courier
    + Deliveries
    + DeskEvents
    + DueWork
    + Health
    + Inbox
    + Measures
    + Messages
    + Nodes
    + Redactions
    + Search
    + Security
    + Site
    + Send
    + Sync
    + 'static
{
    // --- tickets
    async fn ticket_load(&self, number: &str) -> Result<Option<Stored>>;
    async fn ticket_load_by_id(&self, id: TicketId) -> Result<Option<Stored>>;
    /// The number of the ticket with this id.
    async fn ticket_number(&self, id: TicketId) -> Result<Option<TicketNumber>>;
    /// Several in one read; those that are gone are left out.
    async fn tickets_load(&self, ids: &[TicketId]) -> Result<Vec<Stored>>;
    /// Every instance and step, the ended ones too: for drawings.
    async fn ticket_runs(&self, id: TicketId) -> Result<(Vec<Instance>, Vec<Step>)>;
    async fn commit(&self, commit: Commit) -> Result<()>;
    async fn ticket_list(&self, rights: &Filter, narrow: &Filter, sort: Sort, limit: u32, after: Option<i64>) -> Result<Page<TicketRow>>;
    async fn ticket_counts(&self, rights: &Filter) -> Result<Vec<Count>>;
    async fn ticket_count_all(&self) -> Result<u64>;
    /// Tickets that are linked, from either end, with what each is to this one: child, parent, related.
    async fn links(&self, rights: &Filter, ticket: TicketId) -> Result<Vec<(TicketRow, String)>>;
    /// When something was written last.
    async fn ticket_newest_change(&self) -> Result<Option<Timestamp>>;
    /// The first articles behind this one, in their order: all, or only those that customers see.
    async fn article_page(&self, ticket: TicketId, after: ArticleId, visible: bool, limit: u32) -> Result<Vec<Article>>;
    async fn article_list(&self, ticket: TicketId) -> Result<Vec<Article>> {
        self.article_page(ticket, ArticleId(0), false, u32::MAX).await
    }
    async fn history_list(&self, ticket: TicketId, after_version: u64, limit: u32) -> Result<Vec<HistoryRow>>;
    /// Rows of all tickets in the order of (ticket, version), behind the one named, for verifying.
    async fn history_scan(&self, after: (TicketId, u64), limit: u32) -> Result<Vec<HistoryRow>>;
    /// The hash that each ticket's row carries, for verifying; in the order of ids.
    async fn heads(&self, after: TicketId, limit: u32) -> Result<Vec<(TicketId, u64, Hash)>>;
    async fn blob(&self, hash: &str) -> Result<Option<Vec<u8>>>;
    /// Ids that nobody else gets; the first of `count`.
    async fn number_block(&self, count: u32) -> Result<i64>;

    // --- time
    /// Timers that are due at this time, those due first first.
    async fn timers_due(&self, now: Timestamp, limit: u32) -> Result<Vec<DueTimer>>;
    /// Timers that count in a calendar, in the order of (ticket, number), behind the one named.
    async fn timers_counted(&self, after: (TicketId, TimerId), limit: u32) -> Result<Vec<CountedTimer>>;

    // --- jobs
    /// Until when the schedule was looked at; a new or changed one begins now.
    async fn job_seen(&self, job: &str, schedule: &str, now: Timestamp) -> Result<Timestamp>;
    /// Times up to here are dealt with, without a run.
    async fn job_pass(&self, job: &str, to: Timestamp) -> Result<()>;
    /// Schedules that were looked at beyond this time: (job, until when).
    async fn jobs_ahead(&self, of: Timestamp) -> Result<Vec<(String, Timestamp)>>;
    /// The schedule was looked at until this time, and no further.
    async fn job_back(&self, job: &str, to: Timestamp) -> Result<()>;
    /// Forgets jobs that are no longer defined.
    async fn job_keep(&self, jobs: &[String]) -> Result<()>;
    /// Begins a run; `None` where the tick has had its run already.
    async fn job_start(&self, job: &str, tick: Option<Timestamp>, by: &str, now: Timestamp, missed: u64) -> Result<Option<JobRun>>;
    /// The batch up to the run's cursor is done: its marks go, and are counted in the summary.
    async fn job_progress(&self, run: &mut JobRun) -> Result<()>;
    /// The newest first.
    async fn job_runs(&self, job: Option<&str>, open: bool, limit: u32) -> Result<Vec<JobRun>>;
    /// Tickets behind this id, in the order of ids, without those that the run has done: (id, number).
    async fn job_tickets(&self, filter: &Filter, run: i64, after: i64, limit: u32) -> Result<Vec<(TicketId, TicketNumber)>>;
    /// How many tickets behind the cursor the run has done.
    async fn job_done(&self, run: i64) -> Result<u64>;
    /// The query that finds a job's tickets, and how the database runs it: for people.
    async fn job_plan(&self, filter: &Filter) -> Result<(String, Vec<String>)>;

    // --- lists
    async fn work_list(&self, keys: &[String], rights: &Filter, limit: u32) -> Result<Vec<WorkRow>>;
    async fn incident_list(&self, rights: &Filter, limit: u32) -> Result<Vec<IncidentRow>>;

    // --- people
    async fn person_list(&self) -> Result<Vec<Person>>;
    /// With a time, what is new or changed happens to the desk then.
    async fn person_save(&self, people: &[Person], happens: Option<Timestamp>) -> Result<()>;
    async fn password_set(&self, login: &str, hash: Option<&str>) -> Result<()>;
    async fn password_get(&self, login: &str) -> Result<Option<String>>;
    async fn secret_add(&self, kind: SecretKind, hash: Hash, login: &str, csrf: &str, now: Timestamp, expires: Timestamp) -> Result<()>;
    /// A login link is gone once it was taken.
    async fn login_link_take(&self, hash: Hash, now: Timestamp) -> Result<Option<Login>>;
    async fn session_get(&self, hash: Hash, now: Timestamp) -> Result<Option<Session>>;
    async fn session_delete(&self, hash: Hash) -> Result<()>;
    async fn sessions_delete_of(&self, login: &str) -> Result<()>;
    async fn token_login(&self, hash: Hash) -> Result<Option<String>>;
    async fn idempotency_get(&self, login: &str, key: &str) -> Result<Option<Idempotency>>;
    /// Keeps the answer of a request that changed nothing. `Conflict` when its key was used meanwhile.
    async fn idempotency_put(&self, kept: &Idempotency, at: Timestamp) -> Result<()>;

    // --- revisions
    async fn revision_latest(&self) -> Result<Option<Revision>>;
    async fn revision_list(&self, limit: u32) -> Result<Vec<Revision>>;
    async fn revision_counted(&self, id: i64) -> Result<()>;
    async fn revision_add(&self, revision: NewRevision) -> Result<i64>;
    /// Canonical processes that running instances pin.
    async fn pinned_processes(&self) -> Result<Vec<String>>;
    /// Numbers of running tickets on a process, at most ten.
    async fn tickets_on_process(&self, hash: &str) -> Result<Vec<String>>;
    /// Which of these names tickets still use, each with up to three numbers. Kinds are queue, state, type, priority.
    async fn names_in_use(&self, kind: &str) -> Result<Vec<(String, Vec<String>)>>;

    /// Fails when the database cannot answer.
    async fn ping(&self) -> Result<()>;
}

/// Counts a question or a change that is no commit, for the metrics.
pub fn count_query() {
    metrics::counter!("vorgang_store_queries_total").increment(1);
}
