use crate::state::event_data::{EventData, used};
use crate::state::snapshot::{KeptMessage, Snapshot};
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// A message was kept, as no handler waits for it yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageKept {
    pub message: KeptMessage,
}

impl EventData for MessageKept {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { message } = self;
        used(snapshot, message.seq);
        snapshot.kept.make_mut().push(message.clone());
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { message } = self;
        rows.kept.insert(message.seq);
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { message } = self;
        format!("message {} is kept", message.name)
    }
}
