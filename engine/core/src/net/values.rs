//! Reads values that people and programs give for attributes and fields.

use crate::execution::run::Run;
use crate::rules::rejection::{FormError, Rejection};
use crate::rules::slots::{Change, current};
use crate::state::ids::InstanceId;
use crate::state::people::{Person, PersonKind};
use crate::state::text;
use serde_json::Value as Json;
use vorgang_definitions::calendar::later;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::kinds::field::FieldType;
use vorgang_definitions::value_error::ValueError;
use vorgang_definitions::values::{Slot, to_stored};

/// A stored value that says nothing; a list without an element is none.
pub fn is_unset(json: &Json) -> bool {
    json.is_null() || json.as_array().is_some_and(Vec::is_empty)
}

/// Reads one value that a person sent.
pub fn read_value(run: &Run, slot: &Slot, json: &Json) -> Result<Change, FormError> {
    let value = slot.json(json, &run.model.names).map_err(FormError::Invalid)?;
    stored(run, slot, value)
}

pub(crate) fn stored(run: &Run, slot: &Slot, value: Option<Value>) -> Result<Change, FormError> {
    let is_field = matches!(slot, Slot::Field(_));
    let slot = if matches!(slot, Slot::Pending) { &Slot::PendingUntil } else { slot };
    let json = match (slot, &value) {
        (_, None) => Json::Null,
        (Slot::Title, Some(v)) if v.as_text().is_some_and(text::is_blank) => return Err(FormError::Required),
        (Slot::PendingUntil, Some(Value::Duration(d))) => {
            let until = later(run.ctx.now, *d, None, &run.model.names.site.zone.0);
            until.ok_or(FormError::Invalid(ValueError::TooLarge))?.to_string().into()
        }
        (Slot::Field(f), Some(v)) => {
            if f.field_type == FieldType::User {
                person(run, v, false)?;
            }
            if f.field_type == FieldType::File {
                file(run, v)?;
            }
            to_stored(f, v).map_err(FormError::Invalid)?
        }
        (Slot::Priority, Some(Value::Int(level))) => run.model.names.priority_name(*level).into(),
        (Slot::Owner | Slot::Responsible, Some(v)) => {
            person(run, v, true)?;
            v.to_json()
        }
        (Slot::CustomerUser, Some(v)) => {
            person(run, v, false)?;
            v.to_json()
        }
        (_, Some(v)) => v.to_json(),
    };
    Ok(Change { name: slot.name().to_owned(), is_field, value: json })
}

/// A hash is no permission: a file is taken only with its content.
fn file(run: &Run, value: &Value) -> Result<(), FormError> {
    use vorgang_definitions::value_error::ValueError;
    let Value::Map(file) = value else { return Err(FormError::Invalid(ValueError::WrongType("a file"))) };
    let sent = file.get("blob").and_then(Value::as_text).and_then(|hash| run.blobs.iter().find(|b| b.hash == hash));
    match sent {
        Some(blob) if file.get("size") == Some(&Value::Int(blob.bytes.len() as i64)) => Ok(()),
        _ => Err(FormError::Invalid(ValueError::WrongType("a file"))),
    }
}

fn person(run: &Run, value: &Value, agent: bool) -> Result<(), FormError> {
    let me = run.ctx.actor;
    // Customers know their colleagues and nobody else.
    let known = |p: &Person| match me.kind {
        PersonKind::Customer => p.login == me.login || (p.company.is_some() && p.company == me.company),
        _ => p.kind != PersonKind::System,
    };
    let person = value.as_text().and_then(|l| run.ctx.people.get(l)).filter(|p| p.active && known(p));
    match person {
        Some(p) if !agent || p.kind == PersonKind::Agent => Ok(()),
        _ => Err(FormError::NoSuchPerson),
    }
}

/// Refuses to unset what a running instance relies on; `by` is the one that wants it, whose own proofs know of it.
pub fn relied_on(run: &Run, name: &str, by: Option<InstanceId>) -> Result<(), Rejection> {
    for instance in run.snapshot.instances.iter().filter(|i| i.outcome.is_none() && Some(i.seq) != by) {
        let relies = run.model.process_by_hash(&instance.hash).is_some_and(|p| p.relies.contains(name));
        // Not yet set is not unset.
        if relies && Slot::find(&run.model.names, name).is_some_and(|s| !current(&run.snapshot, &s).is_null()) {
            return Err(Rejection::ReliedOn { field: name.to_owned(), process: instance.process.clone() });
        }
    }
    Ok(())
}
