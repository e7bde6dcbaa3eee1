//! Values of attributes and fields: as they are stored, as expressions see them, and as a change would leave them.

use crate::state::apply::apply;
use crate::state::attributes::attribute;
use crate::state::event::{AttributeSet, Event, FieldSet};
use crate::state::snapshot::Snapshot;
use serde_json::Value as Json;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::names::Names;
use vorgang_definitions::values::{Slot, from_stored, when_unset};

/// One change that a form wants, in stored form.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub name: String,
    pub is_field: bool,
    pub value: Json,
}

pub fn with_changes(snapshot: &Snapshot, changes: impl Iterator<Item = Change>) -> Snapshot {
    let mut trial = snapshot.clone();
    for Change { name, is_field, value } in changes {
        let event = if is_field {
            Event::FieldSet(FieldSet { name, old: Json::Null, new: value })
        } else {
            Event::AttributeSet(AttributeSet { name, old: Json::Null, new: value })
        };
        apply(&mut trial, &event);
    }
    trial
}

/// The stored value of a slot; `null` where it is unset.
pub fn current(snapshot: &Snapshot, slot: &Slot) -> Json {
    match slot {
        Slot::Field(f) => snapshot.ticket.fields.get(f.name.as_str()).cloned().unwrap_or(Json::Null),
        other => attribute(&snapshot.ticket, other.name()),
    }
}

/// The value of an attribute or field in stored form, as expressions see it; lists and booleans are never unset.
pub fn slot_value(names: &Names, name: &str, is_field: bool, json: &Json) -> Option<Value> {
    if is_field {
        let field = names.fields.get(name)?;
        return from_stored(field, json).or_else(|| when_unset(field));
    }
    if name == "lock" {
        return json.as_bool().map(Value::Bool);
    }
    let text = json.as_str()?;
    match name {
        "priority" => Some(Value::Int(names.priority_level(text))),
        "pending_until" => text.parse().ok().map(Value::Timestamp),
        _ => Some(Value::text(text)),
    }
}
