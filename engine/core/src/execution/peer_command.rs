//! Commands that one ticket gives to another in the same commit.

use crate::state::article::Article;
use crate::state::ids::{InstanceId, Login, TicketId, TicketNumber, WorkId};
use crate::state::linked::Linked;
use crate::state::message::Data;

#[derive(Debug, Clone, PartialEq)]
pub enum PeerCommand {
    /// Ends an instance on behalf of the ticket that started it.
    CancelInstance { instance: InstanceId },
    /// One of the ticket's children was closed.
    CloseChild { number: TicketNumber },
    /// A process that this ticket waits for has ended on another one.
    EndSubProcess { work: WorkId, ticket: TicketNumber, instance: InstanceId, outcome: String, data: Data },
    /// Copies messages here, and moves everything else of a merged ticket.
    TakeIn(Box<TakenIn>),
    /// A mutex of the site that a work item here waits for is free.
    TakeMutex { name: String, key: String },
}

impl PeerCommand {
    /// As histories have it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::CancelInstance { .. } => "cancel_instance",
            Self::CloseChild { .. } => "close_child",
            Self::EndSubProcess { .. } => "end_sub_process",
            Self::TakeIn(_) => "take_in",
            Self::TakeMutex { .. } => "take_mutex",
        }
    }
}

/// Copies of another ticket's messages. A merged ticket also brings its watchers, links and accounted time.
#[derive(Debug, Clone, PartialEq)]
pub struct TakenIn {
    pub number: TicketNumber,
    /// The customer's login and company there.
    pub customer: (Option<Login>, Option<String>),
    pub articles: Vec<Article>,
    pub merged: Option<Merged>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    pub id: TicketId,
    pub watchers: Vec<Login>,
    pub links: Vec<Linked>,
    /// Accounted minutes of work.
    pub minutes: i64,
}
