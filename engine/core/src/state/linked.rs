//! Links between tickets.

use vorgang_definitions::actions::link::LinkKind;

/// A linked ticket, and what it is: child, parent, related.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    pub id: i64,
    pub number: String,
    pub kind: String,
}

impl Linked {
    /// The kind of link as it is seen from the other end.
    pub fn turned(kind: &str) -> &str {
        LinkKind::from_word(kind).map_or(kind, |k| k.turned().word())
    }
}
