//! The interface of events.

use crate::state::ids::Seq;
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use serde_json::Value as Json;
use std::borrow::Cow;
use vorgang_definitions::display::display;
use vorgang_definitions::names::Names;
use vorgang_definitions::values::from_stored;

/// The data of one event.
pub trait EventData {
    /// Changes the snapshot.
    fn apply(&self, _snapshot: &mut Snapshot) {}

    /// Notes the rows that it changes.
    fn touch(&self, _rows: &mut Touched) {}

    /// Its name in `on:`, where handlers can be written for it, on the snapshot before it.
    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        None
    }

    /// One line for logs.
    fn summary(&self, names: &Names) -> String;
}

pub const CHILDREN_CLOSED: &str = "ticket.children_closed";

/// The ticket has given this number.
pub fn used(snapshot: &mut Snapshot, id: impl Into<Seq>) {
    let seq = id.into();
    snapshot.last_seq = snapshot.last_seq.max(seq);
}

/// A stored value as people write it: an amount with its point.
pub fn plain(names: &Names, name: &str, stored: &Json) -> String {
    let value = names.fields.get(name).and_then(|field| from_stored(field, stored));
    match (value, stored) {
        (Some(value), _) => display(&value, "en", &names.site.zone.0),
        (None, Json::String(text)) => text.clone(),
        (None, Json::Null) => "not set".into(),
        (None, other) => other.to_string(),
    }
}
