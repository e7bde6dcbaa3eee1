use crate::cel::function::{Function, P, method};
use crate::cel::functions::parts::{part, whole};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "getHours",
    doc: "The hour of the day; of a duration how many whole hours it has.",
    signatures: &[method(&[P::Timestamp], P::Int), method(&[P::Timestamp, P::Text], P::Int), method(&[P::Duration], P::Int)],
    examples: &[("timestamp('2026-03-24T18:30:15Z').getHours()", "19"), ("hours(90).getHours()", "90")],
    call: |arguments, scope| match arguments {
        [Value::Duration(d)] => Ok(Value::Int(whole(d) / 3_600)),
        _ => part(arguments, scope, |z| z.hour().into()),
    },
};
