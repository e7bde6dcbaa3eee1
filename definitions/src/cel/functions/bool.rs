use crate::cel::function::{Function, P, bad, function};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "bool",
    doc: "True or false from a text: `true`, `t` and `1`, or `false`, `f` and `0`.",
    signatures: &[function(&[P::Text], P::Bool), function(&[P::Bool], P::Bool)],
    examples: &[("bool('true')", "true")],
    call: |arguments, _| match arguments {
        [Value::Bool(b)] => Ok(Value::Bool(*b)),
        [Value::Text(t)] => match &**t {
            "true" | "True" | "TRUE" | "t" | "1" => Ok(Value::Bool(true)),
            "false" | "False" | "FALSE" | "f" | "0" => Ok(Value::Bool(false)),
            _ => Err(format!("`{t}` is neither true nor false")),
        },
        _ => Err(bad()),
    },
};
