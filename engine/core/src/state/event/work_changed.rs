use crate::state::event_data::EventData;
use crate::state::ids::{Login, WorkId};
use crate::state::snapshot::{Snapshot, WorkStatus};
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// The status, holder or audience of a work item changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkChanged {
    pub seq: WorkId,
    pub status: WorkStatus,
    pub claimed_by: Option<Login>,
    pub epoch: u32,
    pub audience: Vec<String>,
}

impl EventData for WorkChanged {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { seq, status, claimed_by, epoch, audience } = self;
        if let Some(w) = snapshot.work.make_mut().iter_mut().find(|w| w.seq == *seq) {
            w.status = *status;
            w.claimed_by.clone_from(claimed_by);
            w.epoch = *epoch;
            w.audience.clone_from(audience);
        }
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { seq, .. } = self;
        rows.work.insert(*seq);
    }

    fn name_for_handlers(&self, before: &Snapshot) -> Option<Cow<'static, str>> {
        let Self { seq, claimed_by, .. } = self;
        let said: &'static str = match (&before.item(*seq)?.claimed_by, claimed_by) {
            (old, Some(new)) if old.as_ref() != Some(new) => "work.claimed",
            (Some(_), None) => "work.released",
            _ => return None,
        };
        Some(said.into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { seq, status, claimed_by, .. } = self;
        format!("work {seq} {}{}", status.word(), claimed_by.as_ref().map_or(String::new(), |c| format!(", claimed by {c}")))
    }
}
