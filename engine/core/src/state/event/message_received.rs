use crate::state::event_data::EventData;
use crate::state::ids::InstanceId;
use crate::state::message::Data;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// A message reached an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageReceived {
    pub instance: InstanceId,
    pub name: String,
    pub data: Data,
}

impl EventData for MessageReceived {
    fn summary(&self, _names: &Names) -> String {
        let Self { name, .. } = self;
        format!("message {name} has come")
    }
}
