use crate::cel::function::{Function, P, bad, method};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "contains",
    doc: "Whether the text has the other in it.",
    signatures: &[method(&[P::Text, P::Text], P::Bool)],
    examples: &[("'server room'.contains('room')", "true")],
    call: |arguments, _| match arguments {
        [Value::Text(a), Value::Text(b)] => Ok(Value::Bool(a.contains(&**b))),
        _ => Err(bad()),
    },
};
