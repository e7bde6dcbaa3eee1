use crate::cel::function::{Function, P, bad, function};
use crate::cel::value::{Duration, Value};

pub const FUNCTION: Function = Function {
    name: "hours",
    doc: "So many elapsed hours.",
    signatures: &[function(&[P::Int], P::Duration)],
    examples: &[("hours(2) == minutes(120)", "true")],
    call: |arguments, _| match arguments {
        [Value::Int(hours)] => {
            let seconds = hours.checked_mul(3600).ok_or_else(|| String::from("duration is too long"))?;
            Ok(Value::Duration(Duration { days: 0, seconds }))
        }
        _ => Err(bad()),
    },
};
