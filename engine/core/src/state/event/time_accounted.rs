use crate::state::event_data::EventData;
use crate::state::ids::{ArticleId, Login};
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;
use vorgang_definitions::names::Names;

/// Minutes of work were accounted; a negative number moves them to another ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimeAccounted {
    pub minutes: i64,
    pub by: Login,
    /// What was written with it.
    pub article: Option<ArticleId>,
    pub at: Timestamp,
}

impl EventData for TimeAccounted {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { minutes, .. } = self;
        Arc::make_mut(&mut snapshot.ticket).accounted += minutes;
    }

    fn touch(&self, rows: &mut Touched) {
        rows.attributes_changed = true;
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        Some("ticket.time_accounted".into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { minutes, by, .. } = self;
        format!("{minutes} minutes by {by}")
    }
}
