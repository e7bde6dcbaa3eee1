use crate::cel::function::{Function, P, bad, function};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "has_role",
    doc: "Whether the person who acts has this role.",
    signatures: &[function(&[P::Role], P::Bool)],
    examples: &[],
    call: |arguments, scope| match arguments {
        [Value::Text(role)] => Ok(Value::Bool(scope.has_role(role))),
        _ => Err(bad()),
    },
};
