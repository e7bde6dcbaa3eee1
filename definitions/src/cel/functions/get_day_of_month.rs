use crate::cel::function::{Function, P, method};
use crate::cel::functions::parts::part;

pub const FUNCTION: Function = Function {
    name: "getDayOfMonth",
    doc: "The day of the month, from 0.",
    signatures: &[method(&[P::Timestamp], P::Int), method(&[P::Timestamp, P::Text], P::Int), method(&[P::Date], P::Int)],
    examples: &[("timestamp('2026-03-24T18:30:15Z').getDayOfMonth()", "23")],
    call: |arguments, scope| part(arguments, scope, |z| i64::from(z.day()) - 1),
};
