use crate::state::event_data::EventData;
use crate::state::ids::{TimerId, WorkId};
use crate::state::snapshot::Snapshot;
use crate::state::timer::TimerKind;
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// A timer fired and did its work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimerFired {
    pub seq: TimerId,
    pub work: Option<WorkId>,
    pub kind: TimerKind,
}

impl EventData for TimerFired {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { seq, .. } = self;
        snapshot.timers.make_mut().retain(|t| t.seq != *seq);
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { seq, .. } = self;
        rows.timers_ended.push(*seq);
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        let said: &'static str = match self {
            Self { kind: TimerKind::Pending, .. } => "ticket.pending_reached",
            Self { kind: TimerKind::Unlock, .. } => "ticket.unlock_reached",
            Self { .. } => "timer.fired",
        };
        Some(said.into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { seq, .. } = self;
        format!("timer {seq} fires")
    }
}
