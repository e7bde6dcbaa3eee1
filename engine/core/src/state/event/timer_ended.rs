use crate::state::event_data::EventData;
use crate::state::ids::TimerId;
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// A timer was taken back. Timers of a work item that ends go with it, without an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimerEnded {
    pub seq: TimerId,
}

impl EventData for TimerEnded {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { seq } = self;
        snapshot.timers.make_mut().retain(|t| t.seq != *seq);
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { seq } = self;
        rows.timers_ended.push(*seq);
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { seq } = self;
        format!("timer {seq} is taken back")
    }
}
