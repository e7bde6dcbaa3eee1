use crate::cel::function::{Function, P, bad, calendar, function};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "add_business_time",
    doc: "The time that lies so much working time later: days are working days, hours pass while it is open.",
    signatures: &[function(&[P::Timestamp, P::Duration], P::Timestamp), function(&[P::Timestamp, P::Duration, P::Calendar], P::Timestamp)],
    examples: &[
        ("add_business_time(timestamp('2026-03-27T16:00:00+01:00'), hours(2), 'office')", "2026-03-30T06:30:00Z"),
        ("add_business_time(timestamp('2026-03-27T16:00:00+01:00'), days(1))", "2026-03-30T14:00:00Z"),
    ],
    call: |arguments, scope| {
        let (time, by, calendar) = match arguments {
            [Value::Timestamp(time), Value::Duration(by)] => (time, by, calendar(scope, None)?),
            [Value::Timestamp(time), Value::Duration(by), Value::Text(name)] => (time, by, calendar(scope, Some(name))?),
            _ => return Err(bad()),
        };
        calendar.add(*time, *by).map(Value::Timestamp).ok_or_else(|| format!("`{}` does not open for ten years", calendar.name))
    },
};
