use crate::cel::function::{Function, P, bad, function};
use crate::cel::value::{Duration, Value};

pub const FUNCTION: Function = Function {
    name: "minutes",
    doc: "So many elapsed minutes.",
    signatures: &[function(&[P::Int], P::Duration)],
    examples: &[("minutes(90) > hours(1)", "true")],
    call: |arguments, _| match arguments {
        [Value::Int(minutes)] => {
            let seconds = minutes.checked_mul(60).ok_or_else(|| String::from("duration is too long"))?;
            Ok(Value::Duration(Duration { days: 0, seconds }))
        }
        _ => Err(bad()),
    },
};
