use crate::state::event_data::EventData;
use crate::state::ids::KeptId;
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// A kept message was taken by a handler, or its time is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageGone {
    pub seq: KeptId,
}

impl EventData for MessageGone {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { seq } = self;
        snapshot.kept.make_mut().retain(|m| m.seq != *seq);
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { seq } = self;
        rows.kept_gone.push(*seq);
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { seq } = self;
        format!("message {seq} is kept no more")
    }
}
