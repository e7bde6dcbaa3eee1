use crate::state::event_data::EventData;
use crate::state::ids::Login;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// A person took the turn of a `round_robin`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TurnTaken {
    pub place: String,
    pub person: Login,
    /// Who had the turn before; nobody the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Login>,
}

impl EventData for TurnTaken {
    fn summary(&self, _names: &Names) -> String {
        let Self { place, person, .. } = self;
        format!("{person} is next at {place}")
    }
}
