use crate::state::event_data::EventData;
use crate::state::snapshot::{Snapshot, Ticket};
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;
use vorgang_definitions::names::Names;

/// The ticket was created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketCreated {
    pub ticket: Box<Ticket>,
}

impl EventData for TicketCreated {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { ticket } = self;
        snapshot.ticket = Arc::new((**ticket).clone());
    }

    fn touch(&self, rows: &mut Touched) {
        rows.created = true;
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        Some("ticket.created".into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { ticket } = self;
        format!("ticket {} created in {}", ticket.number, ticket.queue)
    }
}
