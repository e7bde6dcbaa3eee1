//! Sets attributes, fields and process data to values that the engine computed.

use crate::execution::run::Run;
use crate::net::values;
use crate::rules::failure::Failure;
use crate::rules::rejection;
use crate::state::ids::InstanceId;
use crate::state::message::Datum;
use crate::state::people::PersonKind;
use vorgang_definitions::calendar::later;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::kinds::field::FieldType;
use vorgang_definitions::values::{Slot, to_stored};

/// An action may not unset what another running process relies on.
fn relied_on(run: &Run, name: &str, instance: Option<InstanceId>) -> Result<(), Failure> {
    values::relied_on(run, name, instance).map_err(|r| Failure::new("relied_on", r.say("en")))
}

/// Sets one attribute or field to a value that the checker let through; what only shows at run time is a failure.
pub fn apply(run: &mut Run, name: &str, value: Option<Value>, instance: Option<InstanceId>) -> Result<(), Failure> {
    let model = run.model;
    let failed = |message: String| Failure::new("value", format!("`{name}`: {message}"));
    if let Some((instance, of)) = instance.and_then(|i| Some((i, *run.process_of(i)?.def.data.get(name)?))) {
        let read = |v: &Value| of.0.read(&v.to_json()).as_ref().and_then(Datum::from_value);
        let datum = value.as_ref().map(|v| read(v).ok_or_else(|| failed(format!("expected {}", of.0.word())))).transpose()?;
        run.set_data(instance, name, datum);
        return Ok(());
    }
    let slot = Slot::find(&model.names, name).ok_or_else(|| failed("there is no such attribute or field".into()))?;
    if value.is_none() {
        relied_on(run, name, instance)?;
    }
    match (slot, &value) {
        (Slot::State, Some(Value::Text(state))) => run.set_state(state, false, instance).map_err(Failure::from),
        (Slot::Field(field), value) => {
            if let (FieldType::User, Some(login)) = (field.field_type, value.as_ref().and_then(Value::as_text))
                && run.ctx.people.get(login).is_none()
            {
                return Err(failed(format!("nobody has the login `{login}`")));
            }
            let json = match value {
                Some(v) => to_stored(field, v).map_err(|e| failed(e.to_string()))?,
                None => serde_json::Value::Null,
            };
            run.set(name, json, true);
            Ok(())
        }
        (Slot::Pending, Some(Value::Duration(d))) => {
            let until = later(run.ctx.now, *d, None, &model.names.site.zone.0);
            let until = until.ok_or_else(|| failed("this is later than there are times".into()))?;
            run.set("pending_until", until.to_string().into(), false);
            Ok(())
        }
        (Slot::Pending, None) => {
            run.set("pending_until", serde_json::Value::Null, false);
            Ok(())
        }
        (Slot::Priority, Some(Value::Int(level))) => {
            let name = model.names.priorities.iter().find(|p| p.level.value.0 == *level).map(|p| p.name.to_string());
            let name = name.ok_or_else(|| failed(format!("no priority has the level {level}")))?;
            run.set("priority", name.into(), false);
            Ok(())
        }
        (Slot::Owner | Slot::Responsible | Slot::CustomerUser, Some(Value::Text(login))) => {
            let person = run.ctx.people.get(login).filter(|p| p.active).cloned();
            let person = person.ok_or_else(|| failed(format!("nobody has the login `{login}`")))?;
            if matches!(slot, Slot::Owner | Slot::Responsible) && person.kind != PersonKind::Agent {
                return Err(failed(format!("`{login}` is no agent")));
            }
            run.set(name, login.to_string().into(), false);
            if name == "customer_user" {
                run.set("customer", person.company.clone().into(), false);
            }
            Ok(())
        }
        (Slot::Type, Some(Value::Text(to))) => run.retype(to).map_err(|r| failed(rejection::say(&r))),
        (Slot::Lock, Some(Value::Bool(lock))) => {
            run.lock(*lock).then_some(()).ok_or_else(|| failed("a ticket that nobody has is not locked".into()))
        }
        (slot, None) if slot.always_set() => Err(failed("it cannot be unset".into())),
        (_, value) => {
            if value.as_ref().and_then(Value::as_text).is_some_and(|t| t.contains(['\n', '\r'])) {
                return Err(failed("it must not have line breaks".into()));
            }
            run.set(name, value.as_ref().map_or(serde_json::Value::Null, |v| v.to_string().into()), false);
            Ok(())
        }
    }
}
