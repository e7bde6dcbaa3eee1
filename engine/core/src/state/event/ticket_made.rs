//! Another ticket was made by what happened to this one.

use crate::state::event_data::EventData;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// Another ticket was made by what happened to this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketMade {
    pub id: i64,
    pub number: String,
}

impl EventData for TicketMade {
    fn summary(&self, _names: &Names) -> String {
        let Self { number, .. } = self;
        format!("ticket {number} made")
    }
}
