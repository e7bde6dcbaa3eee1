//! The log of security: sign-ins, changes of people, roles, tokens, sessions and definitions, exports, denied acts. No secrets.

use crate::state::chain::Hash;
use jiff::Timestamp;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

/// Who does something to people or the desk, and through which door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// A login; empty for a stranger, and for somebody at the command line.
    pub actor: String,
    /// `portal`, `api`, `cli`, …
    pub cause: String,
    pub at: Timestamp,
}

/// One entry, as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub by: By,
    /// `sign_in`, `sign_in.failed`, `person.changed`, …
    pub event: String,
    /// A login, a revision, a ticket's number.
    pub about: String,
    /// An object.
    pub details: Json,
}

/// The hash of an entry behind the one with the hash `previous`; the first has that of nothing, [`crate::chain::GENESIS`].
/// `details` is the text as it is stored. Every part has its length before it, so that no two entries read alike.
pub fn hash(previous: Hash, at_micros: i64, [actor, cause, event, about, details]: [&str; 5]) -> Hash {
    let mut h = Sha256::new();
    let mut part = |bytes: &[u8]| {
        h.update((bytes.len() as u64).to_be_bytes());
        h.update(bytes);
    };
    part(&previous);
    part(&at_micros.to_be_bytes());
    for text in [actor, cause, event, about, details] {
        part(text.as_bytes());
    }
    h.finalize().into()
}
