use crate::state::event_data::EventData;
use crate::state::ids::{Login, WorkId};
use crate::state::snapshot::{Snapshot, Step, WorkStatus};
use crate::state::touched::Touched;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// A token left its activity. With an outcome, the activity was completed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkEnded {
    pub seq: WorkId,
    pub status: WorkStatus,
    pub outcome: Option<String>,
    pub by: Login,
    pub at: Timestamp,
}

impl EventData for WorkEnded {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { seq, status, outcome, by, at } = self;
        let Some(w) = snapshot.work.make_mut().iter_mut().find(|w| w.seq == *seq) else { return };
        w.status = *status;
        w.audience.clear();
        let (instance, activity, is_copy) = (w.instance, w.activity.clone(), w.copy().is_some());
        let items = w.more.as_ref().map(|m| m.items.clone()).unwrap_or_default();
        if snapshot.timers.iter().any(|t| t.work == Some(*seq)) {
            snapshot.timers.make_mut().retain(|t| t.work != Some(*seq));
        }
        if snapshot.calls.iter().any(|c| c.is_for(*seq)) {
            snapshot.calls.make_mut().retain(|c| !c.is_for(*seq));
        }
        // What a copy did stands in the items of the whole.
        if let (WorkStatus::Done, Some(outcome), false) = (status, outcome, is_copy) {
            let votes = snapshot.votes.iter().filter(|v| v.work == *seq).cloned().collect();
            let order = snapshot.steps.iter().filter(|s| s.instance == instance).map(|s| s.order).max().unwrap_or(0) + 1;
            let step = Step { instance, activity, outcome: outcome.clone(), by: by.clone(), at: *at, order, undone: false, votes, items };
            let steps = snapshot.steps.make_mut();
            match steps.iter_mut().find(|s| s.instance == step.instance && s.activity == step.activity) {
                Some(last) => *last = step,
                None => steps.push(step),
            }
        }
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { seq, outcome, .. } = self;
        rows.work.insert(*seq);
        rows.waits.insert(*seq);
        if rows.had_timers {
            rows.timers_of.push(*seq);
        }
        if let (Some(_), Some(item)) = (outcome, rows.after.item(*seq)) {
            rows.steps.insert((item.instance, item.activity.clone()));
        }
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        let said: &'static str = match self {
            Self { status: WorkStatus::Done, outcome: Some(_), .. } => "work.completed",
            Self { status: WorkStatus::Cancelled, .. } => "work.cancelled",
            Self { .. } => return None,
        };
        Some(said.into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { seq, status, outcome, .. } = self;
        format!("work {seq} {} {}", status.word(), outcome.as_deref().unwrap_or(""))
    }
}
