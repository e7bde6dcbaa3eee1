use crate::state::event_data::{CHILDREN_CLOSED, EventData};
use crate::state::ids::TicketNumber;
use crate::state::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// A child ticket was closed; `last` if no other child is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChildClosed {
    pub number: TicketNumber,
    pub last: bool,
}

impl EventData for ChildClosed {
    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        let said: &'static str = match self {
            Self { last: true, .. } => CHILDREN_CLOSED,
            Self { .. } => return None,
        };
        Some(said.into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { number, last } = self;
        format!("its {}child {number} was closed", if *last { "last open " } else { "" })
    }
}
