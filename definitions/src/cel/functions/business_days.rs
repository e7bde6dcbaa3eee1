use crate::cel::function::{Function, P, bad, calendar, function};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "business_days",
    doc: "Working days from one date to another, which is left out; less than nothing where the second lies before the first. In the calendar that is named, or \
          the one that counts where none is.",
    signatures: &[function(&[P::Date, P::Date], P::Int), function(&[P::Date, P::Date, P::Calendar], P::Int)],
    examples: &[
        ("business_days(date('2026-03-05'), date('2026-03-10'))", "3"),
        ("business_days(date('2026-03-10'), date('2026-03-05'), 'office')", "-3"),
    ],
    call: |arguments, scope| {
        let (Value::Date(from), Value::Date(to), name) = (match arguments {
            [from, to] => (from, to, None),
            [from, to, Value::Text(name)] => (from, to, Some(&**name)),
            _ => return Err(bad()),
        }) else {
            return Err(bad());
        };
        calendar(scope, name)?.days_between(*from, *to).map(Value::Int).ok_or_else(|| "the dates lie too far from each other".into())
    },
};
