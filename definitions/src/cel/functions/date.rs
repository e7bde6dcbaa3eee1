use crate::cel::function::{Function, P, bad, function};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "date",
    doc: "The day of a time in the site's zone, or of a text such as `2026-03-01`.",
    signatures: &[function(&[P::Timestamp], P::Date), function(&[P::Text], P::Date)],
    examples: &[("date('2026-03-01')", "2026-03-01"), ("date(timestamp('2026-03-01T23:30:00Z'))", "2026-03-02")],
    call: |arguments, scope| match arguments {
        [Value::Timestamp(t)] => Ok(Value::Date(t.to_zoned(scope.zone().clone()).date())),
        [Value::Text(t)] => t.parse().map(Value::Date).map_err(|_| format!("`{t}` is not a date such as `2026-03-01`")),
        _ => Err(bad()),
    },
};
