use crate::state::event_data::{EventData, used};
use crate::state::snapshot::{Snapshot, WorkItem, WorkStatus};
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// A token entered an activity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkEntered {
    pub item: WorkItem,
}

impl EventData for WorkEntered {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { item } = self;
        used(snapshot, item.seq);
        snapshot.work.make_mut().push(item.clone());
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { item } = self;
        rows.work.insert(item.seq);
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        let said: &'static str = match self {
            Self { item } if item.status != WorkStatus::Waiting => "work.entered",
            Self { .. } => return None,
        };
        Some(said.into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { item } = self;
        format!("{} entered ({})", item.activity, item.status.word())
    }
}
