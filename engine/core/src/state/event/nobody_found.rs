use crate::state::event_data::EventData;
use crate::state::ids::WorkId;
use crate::state::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// Fewer people were found for a work item than it needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NobodyFound {
    pub work: WorkId,
    pub needed: u32,
    pub found: u32,
}

impl EventData for NobodyFound {
    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        Some("nobody".into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { needed, found, .. } = self;
        format!("{needed} people are needed, {found} are there")
    }
}
