//! What becomes of a message to a ticket that is closed, merged or removed: one rule for mail, portal and API.

use crate::state::snapshot::Ticket;
use vorgang_definitions::kinds::queue::FollowUp;
use vorgang_definitions::kinds::state::StateType;
use vorgang_definitions::names::Names;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The message is added.
    Added,
    /// The message is added, its writer learns that nobody reads it, and `article.rejected` is raised.
    Rejected,
    /// A new ticket takes the message, linked to this one.
    NewTicket,
    /// The ticket was merged or removed: a new ticket takes the message. The runtime follows a merge before it asks.
    Gone,
}

/// The fate of what a customer writes to this ticket, by its state and its queue's `follow_up`.
pub fn fate(names: &Names, ticket: &Ticket) -> Fate {
    let rule = || names.queues.get(&ticket.queue).and_then(|q| q.follow_up).unwrap_or(FollowUp::Possible);
    match names.state_type(&ticket.state) {
        StateType::Removed | StateType::Merged => Fate::Gone,
        StateType::Closed => match rule() {
            FollowUp::Possible => Fate::Added,
            FollowUp::NewTicket => Fate::NewTicket,
            FollowUp::Reject => Fate::Rejected,
        },
        _ => Fate::Added,
    }
}
