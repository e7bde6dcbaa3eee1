//! The states that a life cycle can reach.

use crate::kinds::ticket_type::TicketType;
use crate::phase::Written;
use std::collections::BTreeSet;

/// The states to which some transition leads; `None` when every one may follow every other.
pub fn leads_to(ticket_type: &TicketType<Written>) -> Option<BTreeSet<String>> {
    let transitions = ticket_type.transitions.as_ref()?;
    Some(transitions.iter().flat_map(|t| t.to.iter()).map(ToString::to_string).collect())
}
