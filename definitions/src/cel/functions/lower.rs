use crate::cel::function::{Function, P, bad, method};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "lower",
    doc: "The text in small letters.",
    signatures: &[method(&[P::Text], P::Text)],
    examples: &[("'Ärger'.lower()", "ärger")],
    call: |arguments, _| match arguments {
        [Value::Text(t)] => Ok(Value::text(t.to_lowercase())),
        _ => Err(bad()),
    },
};
