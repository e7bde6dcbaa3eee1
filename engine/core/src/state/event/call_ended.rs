use crate::state::event_data::EventData;
use crate::state::ids::CallId;
use crate::state::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// A program answered, or failed for good: then `message` says why. Calls of a work item that ends go with it, without an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallEnded {
    pub seq: CallId,
    pub program: String,
    pub output: Option<String>,
    pub message: Option<String>,
}

impl EventData for CallEnded {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { seq, .. } = self;
        snapshot.calls.make_mut().retain(|c| c.seq != *seq);
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        let said: &'static str = match self {
            Self { output: Some(_), .. } => "program.answered",
            Self { .. } => "program.failed",
        };
        Some(said.into())
    }

    fn summary(&self, _names: &Names) -> String {
        match self {
            Self { program, message: None, .. } => format!("program {program} has answered"),
            Self { program, message: Some(why), .. } => format!("program {program} has failed: {why}"),
        }
    }
}
