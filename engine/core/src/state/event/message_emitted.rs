use crate::state::event_data::EventData;
use crate::state::message::Data;
use crate::state::touched::{Emitted, Touched};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// A message was sent. It is delivered after the commit to every instance that it matches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageEmitted {
    pub name: String,
    pub data: Data,
    /// The site keeps it so long, where no instance matches.
    pub until: Option<Timestamp>,
    /// How many messages set each other off before it.
    #[serde(default)]
    pub hops: u32,
}

impl EventData for MessageEmitted {
    fn touch(&self, rows: &mut Touched) {
        let Self { name, data, until, hops } = self;
        rows.emitted.push(Emitted { name: name.clone(), data: data.clone(), until: *until, hops: *hops });
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { name, .. } = self;
        format!("message {name} is sent")
    }
}
