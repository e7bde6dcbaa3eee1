use crate::state::event_data::EventData;
use crate::state::ids::{TicketId, TicketNumber};
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// Another ticket was linked. `kind` says what it is to this one: child, parent, related.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkAdded {
    pub other: TicketId,
    pub number: TicketNumber,
    pub kind: String,
    pub at: Timestamp,
}

impl EventData for LinkAdded {
    fn touch(&self, rows: &mut Touched) {
        let Self { other, kind, at, .. } = self;
        rows.links.push((*other, kind.clone(), *at));
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        Some("link.added".into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { number, kind, .. } = self;
        format!("{kind} ticket {number} linked")
    }
}
