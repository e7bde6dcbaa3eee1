//! Timers that are due, and those that count in a calendar.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use vorgang_core::ids::{TicketId, TicketNumber, TimerId};
use vorgang_core::timer::Timer;

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

#[async_trait]
pub trait Timers: Send + Sync {
    /// Timers that are due at this time, those due first first.
    async fn timers_due(&self, now: Timestamp, limit: u32) -> Result<Vec<DueTimer>>;
    /// Timers that count in a calendar, in the order of (ticket, number), behind the one named.
    async fn timers_counted(&self, after: (TicketId, TimerId), limit: u32) -> Result<Vec<CountedTimer>>;
}
