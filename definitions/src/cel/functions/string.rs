use crate::cel::function::{Function, P, bad, function};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "string",
    doc: "The value as a text.",
    signatures: &[
        function(&[P::Int], P::Text),
        function(&[P::Decimal], P::Text),
        function(&[P::Bool], P::Text),
        function(&[P::Date], P::Text),
        function(&[P::Timestamp], P::Text),
        function(&[P::Text], P::Text),
    ],
    examples: &[("string(1.50) + ' EUR'", "1.50 EUR")],
    call: |arguments, _| match arguments {
        [value] => Ok(Value::text(value.to_string())),
        _ => Err(bad()),
    },
};
