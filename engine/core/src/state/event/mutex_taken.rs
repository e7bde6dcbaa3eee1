use crate::state::event_data::EventData;
use crate::state::ids::InstanceId;
use crate::state::snapshot::{Held, Snapshot};
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use vorgang_definitions::names::Names;

/// The instance took a mutex of the site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MutexTaken {
    pub instance: InstanceId,
    pub held: Held,
}

impl EventData for MutexTaken {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { instance, held } = self;
        if let Some(i) = snapshot.instances.make_mut().iter_mut().find(|i| i.seq == *instance) {
            i.more.get_or_insert_default().held.push(held.clone());
        }
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { instance, held } = self;
        rows.instances.insert(*instance);
        rows.mutexes.note_taken(&held.name, &held.key);
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { held, .. } = self;
        format!("mutex {} of {} is taken", held.name, held.key)
    }
}
