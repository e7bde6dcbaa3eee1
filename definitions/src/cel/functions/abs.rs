use crate::cel::function::{Function, P, bad, function};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "abs",
    doc: "The number without its sign.",
    signatures: &[function(&[P::Int], P::Int), function(&[P::Decimal], P::Decimal)],
    examples: &[("abs(-3)", "3"), ("abs(-2.5)", "2.5")],
    call: |arguments, _| match arguments {
        [Value::Int(i)] => i.checked_abs().map(Value::Int).ok_or_else(|| "number is too large".into()),
        [Value::Decimal(d)] if *d < 0.into() => d.checked_neg().map(Value::Decimal).ok_or_else(bad),
        [Value::Decimal(d)] => Ok(Value::Decimal(*d)),
        _ => Err(bad()),
    },
};
