//! Links between tickets.

use crate::state::ids::{TicketId, TicketNumber};
use vorgang_definitions::actions::link::LinkKind;

/// A linked ticket, and what it is: child, parent, related.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    pub id: TicketId,
    pub number: TicketNumber,
    pub kind: String,
}

impl Linked {
    /// The kind of link as it is seen from the other end.
    pub fn turned(kind: &str) -> &str {
        LinkKind::from_word(kind).map_or(kind, |k| k.turned().word())
    }
}
