use crate::execution::at::At;
use crate::execution::evaluate::value;
use crate::execution::run::Run;
use crate::net::assign;
use crate::rules::failure::Failure;
use crate::rules::slots::{current, slot_value};
use vorgang_definitions::actions::increment::Increment;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::decimal::Decimal;
use vorgang_definitions::values::Slot;

pub fn perform(run: &mut Run, increment: &Increment, at: At) -> Result<(), Failure> {
    for (name, given) in increment.iter() {
        let by = value(run, given, at)?.unwrap_or(Value::Int(0));
        let names = &run.model.names;
        let now = Slot::find(names, name).map(|s| current(&run.snapshot, &s)).unwrap_or_default();
        let now = slot_value(names, name, true, &now).unwrap_or(Value::Int(0));
        let failed = || Failure::new("value", format!("`{name}`: {now} and {by} make no number that it holds"));
        let decimal = |v: &Value| match v {
            Value::Int(i) => Some(Decimal::from(*i)),
            Value::Decimal(d) => Some(*d),
            _ => None,
        };
        let sum = match (&now, &by) {
            (Value::Int(a), Value::Int(b)) => a.checked_add(*b).map(Value::Int),
            (a, b) => decimal(a).zip(decimal(b)).and_then(|(a, b)| a.checked_add(b)).map(Value::Decimal),
        };
        let sum = sum.ok_or_else(failed)?;
        assign::apply(run, name, Some(sum), at.instance())?;
    }
    Ok(())
}
