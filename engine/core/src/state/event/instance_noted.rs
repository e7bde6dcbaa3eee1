use crate::state::event_data::EventData;
use crate::state::ids::InstanceId;
use crate::state::snapshot::{InstanceMore, Snapshot};
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// The rare parts of an instance changed: `more` is their complete new value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceNoted {
    pub seq: InstanceId,
    pub more: Box<InstanceMore>,
}

impl EventData for InstanceNoted {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { seq, more } = self;
        if let Some(i) = snapshot.instances.make_mut().iter_mut().find(|i| i.seq == *seq) {
            i.more = Some(more.clone());
        }
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { seq, .. } = self;
        rows.instances.insert(*seq);
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { seq, .. } = self;
        format!("process {seq} is noted")
    }
}
