use crate::cel::function::{Function, P, bad, function};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "int",
    doc: "A whole number from a text, or from a decimal without a fraction.",
    signatures: &[function(&[P::Text], P::Int), function(&[P::Int], P::Int), function(&[P::Decimal], P::Int)],
    examples: &[("int('42') + 1", "43")],
    call: |arguments, _| match arguments {
        [Value::Int(i)] => Ok(Value::Int(*i)),
        [Value::Decimal(d)] => d.to_int().map(Value::Int).ok_or_else(|| format!("{d} is not a whole number; `round(x, 0)` makes it one")),
        [Value::Text(t)] => t.parse().map(Value::Int).map_err(|_| format!("`{t}` is not a whole number")),
        _ => Err(bad()),
    },
};
