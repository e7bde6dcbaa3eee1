use crate::state::event_data::EventData;
use crate::state::ids::InstanceId;
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// The `compensate` of an activity took back what the activity did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepUndone {
    pub instance: InstanceId,
    pub activity: String,
}

impl EventData for StepUndone {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { instance, activity } = self;
        let steps = snapshot.steps.make_mut();
        if let Some(step) = steps.iter_mut().find(|s| s.instance == *instance && s.activity == *activity) {
            step.undone = true;
        }
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { instance, activity } = self;
        rows.steps.insert((*instance, activity.clone()));
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { activity, .. } = self;
        format!("{activity} is undone")
    }
}
