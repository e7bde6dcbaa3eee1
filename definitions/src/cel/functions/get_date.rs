use crate::cel::function::{Function, P, method};
use crate::cel::functions::parts::part;

pub const FUNCTION: Function = Function {
    name: "getDate",
    doc: "The day of the month, from 1.",
    signatures: &[method(&[P::Timestamp], P::Int), method(&[P::Timestamp, P::Text], P::Int), method(&[P::Date], P::Int)],
    examples: &[("timestamp('2026-03-24T18:30:15Z').getDate()", "24")],
    call: |arguments, scope| part(arguments, scope, |z| z.day().into()),
};
