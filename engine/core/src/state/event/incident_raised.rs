use crate::state::event_data::{EventData, used};
use crate::state::snapshot::{Incident, Snapshot};
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// Something failed and needs a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentRaised {
    pub incident: Incident,
}

impl EventData for IncidentRaised {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { incident } = self;
        used(snapshot, incident.seq);
        snapshot.incidents.make_mut().push(incident.clone());
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { incident } = self;
        rows.incidents.insert(incident.seq);
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        Some("incident.raised".into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { incident } = self;
        format!("incident: {}", incident.message)
    }
}
