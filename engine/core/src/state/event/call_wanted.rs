use crate::state::event_data::{EventData, used};
use crate::state::snapshot::{Call, Snapshot};
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// A program is to run after the commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallWanted {
    pub call: Call,
}

impl EventData for CallWanted {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { call } = self;
        used(snapshot, call.seq);
        snapshot.calls.make_mut().push(call.clone());
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { call } = self;
        format!("program {} is to run", call.program)
    }
}
