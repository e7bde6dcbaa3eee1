//! Tickets, and what one command changes of them.

use crate::inbox::NewInbox;
use crate::{Idempotency, NewHistory, Result, redaction};
use async_trait::async_trait;
use jiff::Timestamp;
use vorgang_core::chain::Hash;
use vorgang_core::changes::Changes;
use vorgang_core::filter::Filter;
use vorgang_core::ids::{Login, TicketId, TicketNumber};
use vorgang_core::snapshot::{Instance, Snapshot, Step};

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

#[async_trait]
pub trait Tickets: Send + Sync {
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
    /// Ids that nobody else gets; the first of `count`.
    async fn number_block(&self, count: u32) -> Result<i64>;
}
