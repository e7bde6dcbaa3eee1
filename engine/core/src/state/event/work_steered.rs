use crate::state::event_data::EventData;
use crate::state::ids::InstanceId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// A person intervened in the work at an activity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkSteered {
    pub instance: InstanceId,
    pub activity: String,
    pub hand: String,
    pub to: Option<String>,
    pub reason: String,
    pub at: Timestamp,
}

impl EventData for WorkSteered {
    fn summary(&self, _names: &Names) -> String {
        let Self { activity, hand, reason, .. } = self;
        format!("{activity} by hand: {hand} ({reason})")
    }
}
