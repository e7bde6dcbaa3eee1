use crate::cel::function::{Function, P, bad, function};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "timestamp",
    doc: "A time from a text such as `2026-03-01T09:00:00+01:00`, or from a date and the time of the day in the site's zone.",
    signatures: &[function(&[P::Text], P::Timestamp), function(&[P::Date, P::Text], P::Timestamp)],
    examples: &[
        ("timestamp('2026-03-01T09:00:00Z') < timestamp('2026-03-01T11:00:00+01:00')", "true"),
        ("timestamp(date('2026-03-02'), '09:00')", "2026-03-02T08:00:00Z"),
    ],
    call: |arguments, scope| match arguments {
        [Value::Date(date), Value::Text(time)] => {
            let wall: jiff::civil::Time = time.parse().map_err(|_| format!("`{time}` is not a time of the day such as `09:00`"))?;
            let zoned = date.to_datetime(wall).to_zoned(scope.zone().clone());
            zoned.map(|z| Value::Timestamp(z.timestamp())).map_err(|_| "the time is out of range".into())
        }
        [Value::Text(t)] => t.parse().map(Value::Timestamp).map_err(|_| format!("`{t}` is not a time such as `2026-03-01T09:00:00Z`")),
        _ => Err(bad()),
    },
};
