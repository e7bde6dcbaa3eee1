//! Durations as they are written: `3h`, `2d 4h`.

use crate::cel::value::Duration;
use crate::diagnostic::Diagnostic;
use crate::load::{Load, Loader, Schemas};
use crate::yaml::{Node, Value};
use serde_json::json;

/// `30m`, `4h`, `2d`, `1w`, or ISO 8601 (`PT4H`, `P2D`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationText(pub Duration);

impl DurationText {
    pub fn parse(text: &str) -> Option<Duration> {
        use Duration;
        if !text.is_ascii() {
            return None;
        }
        if text.starts_with('P') {
            let span: jiff::Span = text.parse().ok()?;
            // Months and years have no length of their own, and parts of a second no use here.
            if span.get_years() != 0 || span.get_months() != 0 || span.get_milliseconds() != 0 || span.is_negative() {
                return None;
            }
            let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
            return Some(Duration { days, seconds: i64::from(span.get_hours()) * 3600 + span.get_minutes() * 60 + span.get_seconds() });
        }
        let (number, unit) = text.split_at(text.len().checked_sub(1)?);
        let n: i64 = number.parse().ok().filter(|n| (0..=100_000).contains(n))?;
        Some(match unit {
            "m" => Duration { days: 0, seconds: n * 60 },
            "h" => Duration { days: 0, seconds: n * 3600 },
            "d" => Duration { days: n, seconds: 0 },
            "w" => Duration { days: n * 7, seconds: 0 },
            _ => return None,
        })
    }
}

crate::plain!(DurationText);

impl Load for DurationText {
    fn schema(_: &mut Schemas) -> serde_json::Value {
        json!({"type": "string", "pattern": "^([0-9]{1,6}[mhdw]|P.+)$"})
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        let duration = match &node.value {
            Value::Text(t) if t.is_ascii() => Self::parse(t),
            _ => None,
        };
        if duration.is_none() {
            cx.push(
                Diagnostic::error("wrong-type", node.span, "expected a duration").help("write `30m`, `4h`, `2d`, `1w`, `PT4H` or `P2D`"),
            );
        }
        duration.map(Self)
    }
}
