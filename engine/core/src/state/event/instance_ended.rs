use crate::state::event_data::EventData;
use crate::state::ids::InstanceId;
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// An instance ended with this outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceEnded {
    pub seq: InstanceId,
    pub outcome: String,
    pub at: Timestamp,
}

impl EventData for InstanceEnded {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { seq, outcome, at } = self;
        if let Some(i) = snapshot.instances.make_mut().iter_mut().find(|i| i.seq == *seq) {
            i.outcome = Some(outcome.clone());
            i.ended = Some(*at);
        }
        if snapshot.kept.iter().any(|m| m.instance == *seq) {
            snapshot.kept.make_mut().retain(|m| m.instance != *seq);
        }
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { seq, .. } = self;
        rows.instances.insert(*seq);
        rows.ended.push(*seq);
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        Some("process.ended".into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { outcome, .. } = self;
        format!("process ended: {outcome}")
    }
}
