use crate::state::event_data::EventData;
use crate::state::ids::Login;
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// A person watches the ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatcherAdded {
    pub person: Login,
    pub at: Timestamp,
}

impl EventData for WatcherAdded {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { person, .. } = self;
        let watchers = snapshot.watchers.make_mut();
        if let Err(place) = watchers.binary_search(person) {
            watchers.insert(place, person.clone());
        }
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { person, at } = self;
        rows.watchers_gone.retain(|p| p != person);
        rows.watchers.push((person.clone(), *at));
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        Some("watcher.added".into())
    }

    fn summary(&self, _names: &Names) -> String {
        let Self { person, .. } = self;
        format!("{person} watches")
    }
}
