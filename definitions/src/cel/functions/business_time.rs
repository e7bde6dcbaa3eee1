use super::{Function, P, bad, function};
use crate::cel::value::{Duration, Value};

pub const FUNCTION: Function = Function {
    name: "business_time",
    doc: "The working time from one time to the other, in the site's calendar or the one named; negative where the second lies before the first.",
    signatures: &[function(&[P::Timestamp, P::Timestamp], P::Duration), function(&[P::Timestamp, P::Timestamp, P::Calendar], P::Duration)],
    examples: &[("business_time(timestamp('2026-03-27T16:00:00+01:00'), timestamp('2026-03-30T09:00:00+02:00'))", "PT9000S")],
    call: |arguments, scope| {
        let (from, to, calendar) = match arguments {
            [Value::Timestamp(from), Value::Timestamp(to)] => (from, to, scope.work_time(None)),
            [Value::Timestamp(from), Value::Timestamp(to), Value::Text(name)] => (from, to, scope.work_time(Some(name))),
            _ => return Err(bad()),
        };
        let calendar = calendar.ok_or("no calendar counts here: name one, or give the site its `calendar:`")?;
        Ok(Value::Duration(Duration { days: 0, seconds: calendar.between(*from, *to) }))
    },
};
