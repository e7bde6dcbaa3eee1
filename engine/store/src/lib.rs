//! What the runtime asks of a database: traits free of any dialect. Every list takes the caller's
//! rights as a [`Filter`], so that forgetting them does not compile.

pub mod articles;
pub mod checkpoints;
pub mod conformance;
pub mod courier;
pub mod deliveries;
pub mod desk_events;
pub mod due;
pub mod error;
pub mod files;
pub mod health;
pub mod history;
pub mod inbox;
pub mod jobs;
pub mod measures;
pub mod names;
pub mod nodes;
pub mod notifications;
pub mod people;
pub mod redaction;
pub mod requests;
pub mod revisions;
pub mod secrets;
pub mod security;
pub mod site;
pub mod tickets;
pub mod timers;
pub mod transfer;
pub mod words;
pub mod work;

pub use articles::Articles;
pub use checkpoints::Checkpoints;
pub use courier::Courier;
pub use deliveries::Deliveries;
pub use desk_events::DeskEvents;
use due::DueWork;
pub use error::{Result, StoreError, UnknownWord};
pub use health::Health;
pub use history::{Histories, HistoryRow, NewHistory};
pub use inbox::Inbox;
pub use jobs::{JobRun, JobSummary, Jobs};
pub use measures::Measures;
pub use nodes::Nodes;
pub use notifications::Notifications;
pub use people::People;
pub use redaction::Redactions;
pub use requests::{Idempotency, Requests};
pub use revisions::{NewRevision, Revision, Revisions};
pub use secrets::{SecretKind, Secrets, Session};
pub use security::Security;
pub use site::Site;
pub use tickets::{Commit, Count, Origin, Page, Sort, Stored, TicketRow, Tickets};
pub use timers::{CountedTimer, DueTimer, Timers};
pub use words::Search;
pub use work::{IncidentRow, OpenWork, WorkRow};

/// Everything that the runtime asks: a trait for each noun, beside its rows.
pub trait Store:
    Articles
    + Checkpoints
    + Courier
    + Deliveries
    + DeskEvents
    + DueWork
    + Health
    + Histories
    + Inbox
    + Jobs
    + Measures
    + Notifications
    + Nodes
    + OpenWork
    + People
    + Redactions
    + Requests
    + Revisions
    + Search
    + Secrets
    + Security
    + Site
    + Tickets
    + Timers
    + Send
    + Sync
    + 'static
{
}

impl<S> Store for S where
    S: Articles
        + Checkpoints
        + Courier
        + Deliveries
        + DeskEvents
        + DueWork
        + Health
        + Histories
        + Inbox
        + Jobs
        + Measures
        + Notifications
        + Nodes
        + OpenWork
        + People
        + Redactions
        + Requests
        + Revisions
        + Search
        + Secrets
        + Security
        + Site
        + Tickets
        + Timers
        + Send
        + Sync
        + 'static
{
}

/// Counts a question or a change that is no commit, for the metrics.
pub fn count_query() {
    metrics::counter!("vorgang_store_queries_total").increment(1);
}
