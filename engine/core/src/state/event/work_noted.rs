use crate::state::event_data::EventData;
use crate::state::ids::WorkId;
use crate::state::snapshot::{Snapshot, WorkMore};
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// The rare parts of a work item changed: `more` is their complete new value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkNoted {
    pub seq: WorkId,
    pub more: Box<WorkMore>,
}

impl EventData for WorkNoted {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { seq, more } = self;
        if let Some(w) = snapshot.work.make_mut().iter_mut().find(|w| w.seq == *seq) {
            w.more = Some(more.clone());
        }
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { seq, .. } = self;
        rows.work.insert(*seq);
        rows.waits.insert(*seq);
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { seq, .. } = self;
        format!("work {seq} is noted")
    }
}
