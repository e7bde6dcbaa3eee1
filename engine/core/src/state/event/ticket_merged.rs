use crate::state::event_data::EventData;
use crate::state::ids::{TicketId, TicketNumber};
use crate::state::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// This ticket was merged into the other one, or, without `into`, the other one into this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketMerged {
    pub other: TicketId,
    pub number: TicketNumber,
    pub into: bool,
}

impl EventData for TicketMerged {
    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        let said: &'static str = match self {
            Self { into: true, .. } => "ticket.merged",
            Self { into: false, .. } => "ticket.joined",
        };
        Some(said.into())
    }

    fn summary(&self, _names: &Names) -> String {
        match self {
            Self { number, into: true, .. } => format!("merged into {number}"),
            Self { number, .. } => format!("{number} merged into it"),
        }
    }
}
