use crate::state::event_data::EventData;
use crate::state::ids::InstanceId;
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// The instance released a mutex of the site. `rev` counts the waiters that had come by then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MutexFreed {
    pub instance: InstanceId,
    pub name: String,
    pub key: String,
    pub rev: i64,
}

impl EventData for MutexFreed {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { instance, name, key, .. } = self;
        if let Some(more) = snapshot.instances.make_mut().iter_mut().find(|i| i.seq == *instance).and_then(|i| i.more.as_mut()) {
            more.held.retain(|h| !h.is(name, key));
        }
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { instance, name, key, rev } = self;
        rows.instances.insert(*instance);
        rows.mutexes.free(name, key, *rev);
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { name, key, .. } = self;
        format!("mutex {name} of {key} is free")
    }
}
