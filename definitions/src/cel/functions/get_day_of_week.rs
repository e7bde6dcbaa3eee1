use crate::cel::function::{Function, P, method};
use crate::cel::functions::parts::part;

pub const FUNCTION: Function = Function {
    name: "getDayOfWeek",
    doc: "The day of the week, from 0, a Sunday.",
    signatures: &[method(&[P::Timestamp], P::Int), method(&[P::Timestamp, P::Text], P::Int), method(&[P::Date], P::Int)],
    examples: &[("timestamp('2026-03-24T18:30:15Z').getDayOfWeek()", "2")],
    call: |arguments, scope| part(arguments, scope, |z| i64::from(z.weekday().to_sunday_zero_offset())),
};
