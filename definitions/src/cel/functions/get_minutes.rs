use crate::cel::function::{Function, P, method};
use crate::cel::functions::parts::{part, whole};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "getMinutes",
    doc: "The minute of the hour; of a duration how many whole minutes it has.",
    signatures: &[method(&[P::Timestamp], P::Int), method(&[P::Timestamp, P::Text], P::Int), method(&[P::Duration], P::Int)],
    examples: &[("timestamp('2026-03-24T18:30:15Z').getMinutes()", "30"), ("hours(90).getMinutes()", "5400")],
    call: |arguments, scope| match arguments {
        [Value::Duration(d)] => Ok(Value::Int(whole(d) / 60)),
        _ => part(arguments, scope, |z| z.minute().into()),
    },
};
