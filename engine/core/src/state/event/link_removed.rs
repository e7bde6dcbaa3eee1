use crate::state::event_data::EventData;
use crate::state::ids::{TicketId, TicketNumber};
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// A link was removed, from either end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkRemoved {
    pub other: TicketId,
    pub number: TicketNumber,
    pub kind: String,
}

impl EventData for LinkRemoved {
    fn touch(&self, rows: &mut Touched) {
        let Self { other, kind, .. } = self;
        rows.links_gone.push((*other, kind.clone()));
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        Some("link.removed".into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { number, kind, .. } = self;
        format!("{kind} ticket {number} no longer linked")
    }
}
