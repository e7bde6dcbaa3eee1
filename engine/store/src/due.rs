//! When there is work that nobody asks for: one look for all of it.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;

/// Work that goes on by itself, each kind in a lane of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    Mail,
    Programs,
    Messages,
    Events,
    Timers,
    Jobs,
}

impl Work {
    pub const ALL: [Self; 6] = [Self::Mail, Self::Programs, Self::Messages, Self::Events, Self::Timers, Self::Jobs];
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// What there is now.
    pub now: Vec<Work>,
    /// When there is more. The schedules of jobs are not in the database.
    pub next: Option<Timestamp>,
}

impl Due {
    /// From one row: for each kind of [`Work::ALL`] whether there is some now, then the next times in microseconds.
    pub fn from_row(now: &[bool], next: &[Option<i64>]) -> std::result::Result<Self, jiff::Error> {
        let now = Work::ALL.into_iter().zip(now).filter(|(_, due)| **due).map(|(work, _)| work).collect();
        let next = next.iter().flatten().min().map(|micros| Timestamp::from_microsecond(*micros)).transpose()?;
        Ok(Self { now, next })
    }
}

/// The one row, with the time as parameter 1; the same in both databases. Each look at deliveries is a place in one index.
pub const SQL: &str = "SELECT \
     EXISTS (SELECT 1 FROM delivery WHERE state = 'due' AND channel = 'mail' AND rank = 0 AND due <= $1) \
     OR EXISTS (SELECT 1 FROM delivery WHERE state = 'due' AND channel = 'mail' AND rank = 1 AND due <= $1) \
     OR EXISTS (SELECT 1 FROM delivery WHERE state = 'due' AND channel = 'mail' AND rank = 2 AND due <= $1), \
     EXISTS (SELECT 1 FROM delivery WHERE state = 'due' AND channel = 'program' AND rank = 0 AND due <= $1), \
     EXISTS (SELECT 1 FROM delivery WHERE state = 'due' AND channel = 'message' AND rank = 0 AND due <= $1), \
     EXISTS (SELECT 1 FROM desk_event WHERE error IS NULL), \
     EXISTS (SELECT 1 FROM timer WHERE due <= $1), \
     EXISTS (SELECT 1 FROM job_run WHERE ended IS NULL), \
     (SELECT min(due) FROM delivery WHERE state = 'due' AND channel = 'mail' AND rank = 0 AND due > $1), \
     (SELECT min(due) FROM delivery WHERE state = 'due' AND channel = 'mail' AND rank = 1 AND due > $1), \
     (SELECT min(due) FROM delivery WHERE state = 'due' AND channel = 'mail' AND rank = 2 AND due > $1), \
     (SELECT min(due) FROM delivery WHERE state = 'due' AND channel = 'program' AND rank = 0 AND due > $1), \
     (SELECT min(due) FROM delivery WHERE state = 'due' AND channel = 'message' AND rank = 0 AND due > $1), \
     (SELECT min(due) FROM timer WHERE due > $1)";

/// Times at the end of the row.
pub const TIMES: usize = 6;

#[async_trait]
pub trait DueWork: Send + Sync {
    /// What is due at this time, and when more is.
    async fn due_work(&self, now: Timestamp) -> Result<Due>;

    /// Waits until another node died or left: its claims and lanes are free. Never returns where only one process writes.
    async fn freed(&self) {
        std::future::pending().await
    }
}
