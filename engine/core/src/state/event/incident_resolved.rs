use crate::state::event_data::EventData;
use crate::state::ids::IncidentId;
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// An incident was retried, or its work is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentResolved {
    pub seq: IncidentId,
    pub at: Timestamp,
}

impl EventData for IncidentResolved {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { seq, at } = self;
        if let Some(i) = snapshot.incidents.make_mut().iter_mut().find(|i| i.seq == *seq) {
            i.resolved = Some(*at);
        }
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { seq, .. } = self;
        rows.incidents.insert(*seq);
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        Some("incident.resolved".into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { seq, .. } = self;
        format!("incident {seq} resolved")
    }
}
