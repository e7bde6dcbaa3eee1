//! Holds mail that goes out too often.

use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use vorgang_core::ids::TicketId;

/// How long an address that bounced gets no mail that nobody wrote by hand.
pub const BOUNCED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Mails of one cause on one ticket that a recipient gets in an hour.
pub const AN_HOUR_MAX: u32 = 100;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Counters that are kept; those of past hours go first.
const COUNTERS_MAX: usize = 100_000;

/// The beginning of the hour, and the mails since.
type Counter = (Timestamp, u32);

/// Counts by (ticket, cause, recipient), on this node.
#[derive(Default)]
pub struct Brake(Mutex<HashMap<(TicketId, String, String), Counter>>);

impl Brake {
    /// How many there are in this hour, with this one.
    pub(crate) fn count(&self, ticket: TicketId, cause: &str, recipient: &str, now: Timestamp) -> u32 {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.len() >= COUNTERS_MAX {
            counters.retain(|_, (begun, _)| now.duration_since(*begun) < HOUR);
        }
        let counter = counters.entry((ticket, cause.to_owned(), recipient.to_owned())).or_insert((now, 0));
        if now.duration_since(counter.0) >= HOUR {
            *counter = (now, 0);
        }
        counter.1 += 1;
        counter.1
    }
}
