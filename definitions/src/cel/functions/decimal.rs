use crate::cel::function::{Function, P, bad, function};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "decimal",
    doc: "An exact decimal from a whole number or a text.",
    signatures: &[function(&[P::Text], P::Decimal), function(&[P::Int], P::Decimal), function(&[P::Decimal], P::Decimal)],
    examples: &[("decimal('1.50') + 1", "2.50")],
    call: |arguments, _| match arguments {
        [Value::Int(i)] => Ok(Value::Decimal((*i).into())),
        [Value::Decimal(d)] => Ok(Value::Decimal(*d)),
        [Value::Text(t)] => t.parse().map(Value::Decimal).map_err(|_| format!("`{t}` is not a decimal number")),
        _ => Err(bad()),
    },
};
