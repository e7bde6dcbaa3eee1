use super::value;
use crate::decide::run::{Failure, Run};
use crate::event::Event;
use crate::message::{Data, Datum, kept_until};
use crate::snapshot::Seq;
use vorgang_definitions::actions::Action;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::kinds::message::DataType;
use vorgang_definitions::name::Name;

/// It is delivered after the commit, to this ticket's instances too.
pub fn run(run: &mut Run, name: &Name, action: &Action, instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
    let shape = run.model.names.messages.get(name.as_str());
    let shape = shape.ok_or_else(|| Failure::new("emit", format!("no process declares the message `{name}`")))?;
    let mut data = Data::new();
    for (key, of) in shape {
        let given = action.with.get(key).map(|v| value(run, v, instance, work)).transpose()?.flatten();
        let given = match (of, given) {
            // A whole number is a decimal too.
            (DataType::Decimal, Some(Value::Int(i))) => Some(Value::Decimal(i.into())),
            (_, given) => given,
        };
        let datum = given.as_ref().and_then(Datum::of);
        let datum = datum.ok_or_else(|| Failure::new("emit", format!("the message `{name}` carries `{key}`, which is not set")))?;
        data.insert(key.clone(), datum);
    }
    let until = kept_until(run.model, name, run.ctx.now);
    run.emit(Event::MessageEmitted { name: name.to_string(), data, until });
    Ok(())
}
