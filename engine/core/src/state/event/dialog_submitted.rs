use crate::state::event_data::EventData;
use crate::state::ids::WorkId;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// A form was submitted with this outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DialogSubmitted {
    pub work: WorkId,
    pub dialog: String,
    pub outcome: String,
}

impl EventData for DialogSubmitted {
    fn summary(&self, _names: &Names) -> String {
        let Self { dialog, outcome, .. } = self;
        format!("dialog {dialog} submitted: {outcome}")
    }
}
