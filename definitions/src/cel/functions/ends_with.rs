use crate::cel::function::{Function, P, bad, method};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "endsWith",
    doc: "Whether the text ends so.",
    signatures: &[method(&[P::Text, P::Text], P::Bool)],
    examples: &[("'a.pdf'.endsWith('.pdf')", "true")],
    call: |arguments, _| match arguments {
        [Value::Text(a), Value::Text(b)] => Ok(Value::Bool(a.ends_with(&**b))),
        _ => Err(bad()),
    },
};
