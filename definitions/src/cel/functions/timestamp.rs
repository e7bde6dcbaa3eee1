use super::{Function, P, bad, function};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "timestamp",
    doc: "A time from a text such as `2026-03-01T09:00:00+01:00`.",
    signatures: &[function(&[P::Text], P::Timestamp)],
    examples: &[("timestamp('2026-03-01T09:00:00Z') < timestamp('2026-03-01T11:00:00+01:00')", "true")],
    call: |arguments, _| match arguments {
        [Value::Text(t)] => t.parse().map(Value::Timestamp).map_err(|_| format!("`{t}` is not a time such as `2026-03-01T09:00:00Z`")),
        _ => Err(bad()),
    },
};
