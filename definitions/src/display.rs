//! Values as people read them, in their language.

use crate::cel::value::Value;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// German for `de`, ISO forms otherwise.
pub fn display(value: &Value, language: &str, zone: &TimeZone) -> String {
    let german = language.starts_with("de");
    match value {
        Value::Bool(b) => match (german, b) {
            (true, true) => "ja".into(),
            (true, false) => "nein".into(),
            (false, true) => "yes".into(),
            (false, false) => "no".into(),
        },
        Value::Decimal(d) if german => d.to_string().replace('.', ","),
        Value::Date(d) if german => d.strftime("%d.%m.%Y").to_string(),
        Value::Timestamp(t) => display_time(*t, language, zone),
        Value::List(l) => l.iter().map(|v| display(v, language, zone)).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// A time to the minute in the zone.
pub fn display_time(time: Timestamp, language: &str, zone: &TimeZone) -> String {
    let format = if language.starts_with("de") { "%d.%m.%Y %H:%M" } else { "%Y-%m-%d %H:%M" };
    time.to_zoned(zone.clone()).strftime(format).to_string()
}
