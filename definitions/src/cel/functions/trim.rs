use crate::cel::function::{Function, P, bad, method};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "trim",
    doc: "The text without blanks at both ends.",
    signatures: &[method(&[P::Text], P::Text)],
    examples: &[("' a '.trim()", "a")],
    call: |arguments, _| match arguments {
        [Value::Text(t)] => Ok(Value::text(t.trim())),
        _ => Err(bad()),
    },
};
