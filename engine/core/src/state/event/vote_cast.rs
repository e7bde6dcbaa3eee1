use crate::state::event_data::EventData;
use crate::state::ids::{Login, WorkId};
use crate::state::snapshot::{Snapshot, Vote};
use crate::state::touched::Touched;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// A person voted in an approval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VoteCast {
    pub work: WorkId,
    pub person: Login,
    pub outcome: String,
    pub at: Timestamp,
}

impl EventData for VoteCast {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { work, person, outcome, at } = self;
        snapshot.votes.make_mut().push(Vote { work: *work, person: person.clone(), outcome: outcome.clone(), at: *at });
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { work, person, outcome, at } = self;
        rows.votes.push(Vote { work: *work, person: person.clone(), outcome: outcome.clone(), at: *at });
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        Some("vote.cast".into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { person, outcome, .. } = self;
        format!("{person} votes {outcome}")
    }
}
