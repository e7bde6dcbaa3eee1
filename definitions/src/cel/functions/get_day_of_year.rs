use crate::cel::function::{Function, P, method};
use crate::cel::functions::parts::part;

pub const FUNCTION: Function = Function {
    name: "getDayOfYear",
    doc: "The day of the year, from 0.",
    signatures: &[method(&[P::Timestamp], P::Int), method(&[P::Timestamp, P::Text], P::Int), method(&[P::Date], P::Int)],
    examples: &[("timestamp('2026-03-24T18:30:15Z').getDayOfYear()", "82")],
    call: |arguments, scope| part(arguments, scope, |z| i64::from(z.day_of_year()) - 1),
};
