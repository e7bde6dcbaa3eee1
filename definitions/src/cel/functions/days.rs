use crate::cel::function::{Function, P, bad, function};
use crate::cel::value::{Duration, Value};

pub const FUNCTION: Function = Function {
    name: "days",
    doc: "So many calendar days: the same wall time on another day.",
    signatures: &[function(&[P::Int], P::Duration)],
    examples: &[("date('2026-03-28') + days(2)", "2026-03-30")],
    call: |arguments, _| match arguments {
        [Value::Int(days)] => Ok(Value::Duration(Duration { days: *days, seconds: 0 })),
        _ => Err(bad()),
    },
};
