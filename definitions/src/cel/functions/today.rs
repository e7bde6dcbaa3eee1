use crate::cel::function::{Function, P, bad, function};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "today",
    doc: "The day of now in the site's zone.",
    signatures: &[function(&[], P::Date)],
    examples: &[("today() < today() + days(1)", "true")],
    call: |arguments, scope| match arguments {
        [] => Ok(Value::Date(scope.now().to_zoned(scope.zone().clone()).date())),
        _ => Err(bad()),
    },
};
