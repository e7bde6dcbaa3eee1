use crate::cel::function::{Function, P, bad, function, method};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "size",
    doc: "How many elements a list, or characters a text has.",
    signatures: &[function(&[P::List], P::Int), method(&[P::List], P::Int), function(&[P::Text], P::Int), method(&[P::Text], P::Int)],
    examples: &[("size([1, 2])", "2"), ("'für'.size()", "3")],
    call: |arguments, _| match arguments {
        [Value::List(l)] => Ok(Value::Int(l.len() as i64)),
        [Value::Text(t)] => Ok(Value::Int(t.chars().count() as i64)),
        _ => Err(bad()),
    },
};
