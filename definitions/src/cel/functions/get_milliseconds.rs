use crate::cel::function::{Function, P, method};
use crate::cel::functions::parts::part;
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "getMilliseconds",
    doc: "The milliseconds of the second; of a duration those beyond its seconds, which it has none of.",
    signatures: &[method(&[P::Timestamp], P::Int), method(&[P::Timestamp, P::Text], P::Int), method(&[P::Duration], P::Int)],
    examples: &[("timestamp('2026-03-24T18:30:15Z').getMilliseconds()", "0"), ("hours(90).getMilliseconds()", "0")],
    call: |arguments, scope| match arguments {
        [Value::Duration(_)] => Ok(Value::Int(0)),
        _ => part(arguments, scope, |z| z.millisecond().into()),
    },
};
