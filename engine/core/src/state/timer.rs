//! Clocks of a ticket: each is one row, with its owner, its name and what pauses it.

use crate::state::ids::{InstanceId, TimerId, WorkId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::cel::value::Duration;

/// A clock that fires once, unless its owner ends before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timer {
    pub seq: TimerId,
    /// The work item that it belongs to; `None` for one of the ticket or of a group.
    pub work: Option<WorkId>,
    pub kind: TimerKind,
    /// While it stands: the time that it would have fired at.
    pub due: Timestamp,
    /// Start and length of the time that is counted. With a changed calendar they give another `due`.
    pub start: Timestamp,
    pub after: Duration,
    pub calendar: Option<String>,
    /// Set while the clock stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands: Option<Standing>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "timer", rename_all = "snake_case")]
pub enum TimerKind {
    /// One of the activity's `timers`, by its place.
    Activity { index: usize },
    /// One of a group's `timers`, by the places of both.
    Group { instance: InstanceId, group: usize, index: usize },
    /// The time of an approval.
    Within,
    /// The ticket's `pending_until`.
    Pending,
    /// The owner does nothing: the queue's `unlock_after`.
    Unlock,
    /// A clock of the ticket that only tells that its time has come.
    Named { name: String },
}

/// Since when a clock stands, and the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub since: Timestamp,
    pub by: Pause,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// A condition under which it stands: `while` of its activity does not hold, or `pause` holds.
    Condition,
    /// A person suspended the work.
    Suspended,
}

impl Pause {
    pub fn word(self) -> &'static str {
        match self {
            Self::Condition => "condition",
            Self::Suspended => "suspended",
        }
    }
}

/// The part of a ticket with which a clock ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimerOwner {
    Ticket,
    /// A group of activities, by its instance.
    Group(InstanceId),
    Work(WorkId),
}

impl Timer {
    /// The time at which it fires; `None` while it stands.
    pub fn fires(&self) -> Option<Timestamp> {
        self.stands.is_none().then_some(self.due)
    }

    pub fn owner(&self) -> TimerOwner {
        match (&self.kind, self.work) {
            (TimerKind::Group { instance, .. }, _) => TimerOwner::Group(*instance),
            (_, Some(work)) => TimerOwner::Work(work),
            (_, None) => TimerOwner::Ticket,
        }
    }

    /// Its name within its owner; of a definition's timer its path.
    pub fn name(&self) -> Cow<'_, str> {
        match &self.kind {
            TimerKind::Activity { index } => format!("timers[{index}]").into(),
            TimerKind::Group { group, index, .. } => format!("groups[{group}].timers[{index}]").into(),
            TimerKind::Within => "within".into(),
            TimerKind::Pending => "pending".into(),
            TimerKind::Unlock => "unlock".into(),
            TimerKind::Named { name } => name.into(),
        }
    }

    /// The clock from `now` on with what was left when it stood: working time where it has a calendar, of which `between`
    /// gives the seconds from one time to another, and `later` the time after so many seconds of it from `now`.
    pub fn resumed(
        self,
        now: Timestamp,
        between: impl FnOnce(Timestamp, Timestamp) -> i64,
        later: impl FnOnce(i64) -> Option<Timestamp>,
    ) -> Self {
        let Some(Standing { since, .. }) = self.stands else { return self };
        let left = between(since, self.due).max(0);
        let due = later(left).unwrap_or(self.due);
        Self { due, start: now, after: Duration { days: 0, seconds: left }, stands: None, ..self }
    }
}
