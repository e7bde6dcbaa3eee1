use crate::state::event_data::{EventData, used};
use crate::state::snapshot::{Instance, Snapshot};
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// A process was started on the ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceStarted {
    pub instance: Instance,
}

impl EventData for InstanceStarted {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { instance } = self;
        used(snapshot, instance.seq);
        snapshot.instances.make_mut().push(instance.clone());
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { instance } = self;
        rows.instances.insert(instance.seq);
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        Some("process.started".into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { instance } = self;
        format!("process {} started", instance.process)
    }
}
