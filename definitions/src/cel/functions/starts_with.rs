use crate::cel::function::{Function, P, bad, method};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "startsWith",
    doc: "Whether the text begins so.",
    signatures: &[method(&[P::Text, P::Text], P::Bool)],
    examples: &[("'hr_berlin'.startsWith('hr')", "true")],
    call: |arguments, _| match arguments {
        [Value::Text(a), Value::Text(b)] => Ok(Value::Bool(a.starts_with(&**b))),
        _ => Err(bad()),
    },
};
