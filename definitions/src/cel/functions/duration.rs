use crate::cel::function::{Function, P, bad, function};
use crate::cel::value::{Duration, Value};

pub const FUNCTION: Function = Function {
    name: "duration",
    doc: "A duration from ISO text: `PT4H`, `P2D`, `P1W`. What has no exact length, as `P1M`, is an error.",
    signatures: &[function(&[P::Text], P::Duration)],
    examples: &[("duration('PT1H') > minutes(30)", "true")],
    call: |arguments, _| match arguments {
        [Value::Text(t)] => length_of(t).map(Value::Duration),
        _ => Err(bad()),
    },
};

/// The duration that a text says; what has no exact length is an error.
pub fn length_of(t: &str) -> Result<Duration, String> {
    let span: jiff::Span = t.parse().map_err(|_| format!("`{t}` is not a duration such as `PT4H` or `P2D`"))?;
    // A month has no length of its own, and there is nothing below a second.
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(format!("`{t}` has no exact length: a month has 28 to 31 days; write it in days"));
    }
    let below =
        i128::from(span.get_milliseconds()) * 1_000_000 + i128::from(span.get_microseconds()) * 1_000 + i128::from(span.get_nanoseconds());
    if below % 1_000_000_000 != 0 {
        return Err(format!("`{t}` is finer than a second"));
    }
    let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    let seconds = i64::from(span.get_hours()) * 3600 + span.get_minutes() * 60 + span.get_seconds() + (below / 1_000_000_000) as i64;
    Ok(Duration { days, seconds })
}
