use crate::cel::function::{Function, P, bad, calendar, function};
use crate::cel::value::{Duration, Value};

pub const FUNCTION: Function = Function {
    name: "business_time",
    doc: "The working time from one time to the other, in the site's calendar or the one named; negative where the second lies before the first.",
    signatures: &[function(&[P::Timestamp, P::Timestamp], P::Duration), function(&[P::Timestamp, P::Timestamp, P::Calendar], P::Duration)],
    examples: &[("business_time(timestamp('2026-03-27T16:00:00+01:00'), timestamp('2026-03-30T09:00:00+02:00'))", "PT9000S")],
    call: |arguments, scope| {
        let (from, to, calendar) = match arguments {
            [Value::Timestamp(from), Value::Timestamp(to)] => (from, to, calendar(scope, None)?),
            [Value::Timestamp(from), Value::Timestamp(to), Value::Text(name)] => (from, to, calendar(scope, Some(name))?),
            _ => return Err(bad()),
        };
        Ok(Value::Duration(Duration { days: 0, seconds: calendar.between(*from, *to) }))
    },
};
