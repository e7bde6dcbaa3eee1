use crate::cel::function::{Function, P, method};
use crate::cel::functions::parts::part;

pub const FUNCTION: Function = Function {
    name: "getFullYear",
    doc: "The year.",
    signatures: &[method(&[P::Timestamp], P::Int), method(&[P::Timestamp, P::Text], P::Int), method(&[P::Date], P::Int)],
    examples: &[("timestamp('2026-03-24T18:30:15Z').getFullYear()", "2026")],
    call: |arguments, scope| part(arguments, scope, |z| z.year().into()),
};
