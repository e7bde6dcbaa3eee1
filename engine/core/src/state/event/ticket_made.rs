use crate::state::event_data::EventData;
use crate::state::ids::{TicketId, TicketNumber};
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// Another ticket was created by this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketMade {
    pub id: TicketId,
    pub number: TicketNumber,
}

impl EventData for TicketMade {
    fn summary(&self, _names: &Names) -> String {
        let Self { number, .. } = self;
        format!("ticket {number} made")
    }
}
