use crate::execution::at::At;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::state::event::{Event, MessageEmitted};
use crate::state::message::{Data, Datum, kept_until};
use vorgang_definitions::actions::Action;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::kinds::message::DataType;
use vorgang_definitions::name::Name;
use vorgang_definitions::value_expr::ValueExpr;

/// How many messages may set each other off.
const HOPS_MAX: u32 = 8;

/// It is delivered after the commit, to this ticket's instances too.
pub fn perform(run: &mut Run, name: &Name, action: &Action, at: At) -> Result<(), Failure> {
    let shape = run.model.names.messages.get(name.as_str());
    let shape = shape.ok_or_else(|| Failure::new("emit", format!("no process declares the message `{name}`")))?;
    let mut data = Data::new();
    for (key, of) in shape {
        let given = match action.with.get(key) {
            None => None,
            Some(ValueExpr::Literal(l)) => l.value().cloned(),
            Some(ValueExpr::Expr(e)) => {
                let scope = run.scope(at);
                Some(e.program().evaluate(&scope).map_err(|error| Failure::of_expression(e, &error, &scope))?)
            }
        };
        let given = match (of, given) {
            // A whole number is a decimal too.
            (DataType::Decimal, Some(Value::Int(i))) => Some(Value::Decimal(i.into())),
            (_, given) => given,
        };
        let datum = given.as_ref().and_then(Datum::from_value);
        let datum = datum.ok_or_else(|| Failure::new("emit", format!("the message `{name}` carries `{key}`, which is not set")))?;
        data.insert(key.clone(), datum);
    }
    let (until, hops) = (kept_until(run.model, name, run.ctx.now), run.reactions.hops + 1);
    if hops > HOPS_MAX {
        return Err(Failure::new("loop", format!("more than {HOPS_MAX} messages set each other off")));
    }
    run.emit(Event::MessageEmitted(MessageEmitted { name: name.to_string(), data, until, hops }));
    Ok(())
}
