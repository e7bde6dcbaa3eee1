use super::{Function, P, bad, function};
use crate::cel::value::Value;
use crate::cel::value::Duration;
pub const FUNCTION: Function = Function {
    name: "duration",
    doc: "A duration from ISO text: `PT4H`, `P2D`.",
    signatures: &[function(&[P::Text], P::Duration)],
    examples: &[("duration('PT1H') > minutes(30)", "true")],
    call: |arguments, _| match arguments {
        [Value::Text(t)] => {
            let span: jiff::Span = t.parse().map_err(|_| format!("`{t}` is not a duration such as `PT4H` or `P2D`"))?;
            let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
            let seconds = i64::from(span.get_hours()) * 3600 + span.get_minutes() * 60 + span.get_seconds();
            Ok(Value::Duration(Duration { days, seconds }))
        }
        _ => Err(bad()),
    },
};
