use crate::cel::function::{Function, P, bad, method};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "upper",
    doc: "The text in capital letters.",
    signatures: &[method(&[P::Text], P::Text)],
    examples: &[("'ab'.upper()", "AB")],
    call: |arguments, _| match arguments {
        [Value::Text(t)] => Ok(Value::text(t.to_uppercase())),
        _ => Err(bad()),
    },
};
