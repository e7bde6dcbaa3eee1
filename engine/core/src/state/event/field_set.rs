use crate::state::event_data::{EventData, plain};
use crate::state::snapshot::Snapshot;
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::borrow::Cow;
use std::sync::Arc;
use vorgang_definitions::names::Names;

/// An own field's new value in stored form; `null` where it is unset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldSet {
    pub name: String,
    pub old: Json,
    pub new: Json,
}

impl EventData for FieldSet {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { name, new, .. } = self;
        let fields = &mut Arc::make_mut(&mut snapshot.ticket).fields;
        if new.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), new.clone());
        }
    }

    fn touch(&self, rows: &mut Touched) {
        rows.fields_changed = true;
    }

    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        let Self { name, .. } = self;
        Some(format!("ticket.{name}_changed").into())
    }

    fn summary(&self, names: &Names) -> String {
        let Self { name, new, .. } = self;
        format!("{name} = {}", plain(names, name, new))
    }
}
