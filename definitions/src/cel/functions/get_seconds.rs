use crate::cel::function::{Function, P, method};
use crate::cel::functions::parts::{part, whole};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "getSeconds",
    doc: "The second of the minute; of a duration how many it has.",
    signatures: &[method(&[P::Timestamp], P::Int), method(&[P::Timestamp, P::Text], P::Int), method(&[P::Duration], P::Int)],
    examples: &[("timestamp('2026-03-24T18:30:15Z').getSeconds()", "15"), ("hours(90).getSeconds()", "324000")],
    call: |arguments, scope| match arguments {
        [Value::Duration(d)] => Ok(Value::Int(whole(d))),
        _ => part(arguments, scope, |z| z.second().into()),
    },
};
