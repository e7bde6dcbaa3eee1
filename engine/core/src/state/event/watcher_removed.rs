use crate::state::event_data::EventData;
use crate::state::ids::Login;
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// A person no longer watches the ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatcherRemoved {
    pub person: Login,
}

impl EventData for WatcherRemoved {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { person } = self;
        snapshot.watchers.make_mut().retain(|w| w != person);
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { person } = self;
        rows.watchers.retain(|(p, _)| p != person);
        rows.watchers_gone.push(person.clone());
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        Some("watcher.removed".into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { person } = self;
        format!("{person} no longer watches")
    }
}
