use crate::calendar::WorkTime;
use crate::diagnostic::Diagnostic;
use crate::kinds::kind::Kind;
use crate::load::{Load, Loader, Schemas};
use crate::name::Name;
use crate::record;
use crate::source::Span;
use crate::text::Text;
use crate::yaml::{Node, Value};
use crate::zone::Zone;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde_json::json;
use std::collections::BTreeSet;

record! {
    /// Working hours and holidays: what timers and service levels count in.
    pub struct Calendar as "a calendar" {
        /// The kind of this definition.
        kind "kind": Kind = "Calendar";
        /// The name by which timers and expressions know the calendar.
        name "name": Name = "office";
        /// What people read.
        title "title": Option<Text> = { "en": "Office hours", "de": "Bürozeiten" };
        /// The zone of its hours; the site's if not written.
        zone "zone": Option<Zone> = "Europe/Berlin";
        /// When it is open, by day or days; times to the minute, several spans a day.
        hours "hours": Hours = { "mon-fri": ["08:00-12:00", "13:00-17:30"] };
        /// Days on which it is closed, whatever day of the week it is.
        holidays "holidays": Option<Holidays> = { "yearly": ["12-25"], "once": ["2026-12-31"] };
    }
}

record! {
    /// Days without work.
    pub struct Holidays as "holidays" {
        /// Month and day, every year.
        yearly "yearly": Vec<MonthDay> = ["12-25", "12-26"];
        /// Single days.
        once "once": Vec<Day> = ["2026-12-31"];
        /// Whole-day events of an iCalendar file of the site (RFC 5545), single or yearly.
        ical "ical": Option<String> = "holidays.ics";
    }
}

/// The open spans of each day of the week, in minutes from midnight, sorted and apart from each other.
#[derive(Debug, Clone, Default)]
pub struct Hours {
    pub span: Span,
    /// Monday first.
    pub days: [Vec<(u16, u16)>; 7],
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

const DAYS_PATTERN: &str = "^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$";
const SPAN_PATTERN: &str = "^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$";

/// `mon`, or `mon-fri`; the numbers of the days from Monday, round the end of the week.
fn days(key: &str) -> Option<Vec<usize>> {
    let number = |t: &str| DAYS.iter().position(|(n, _)| *n == t);
    let (from, to) = key.split_once('-').map_or((key, key), |(f, t)| (f, t));
    let (from, to) = (number(from)?, number(to)?);
    Some((0..=(to + 7 - from) % 7).map(|i| (from + i) % 7).collect())
}

fn minutes(text: &str) -> Option<u16> {
    let (h, m) = text.split_once(':')?;
    let two = |t: &str| (t.len() == 2).then(|| t.parse::<u16>().ok()).flatten();
    let (h, m) = (two(h)?, two(m)?);
    (m < 60 && (h < 24 || (h == 24 && m == 0))).then_some(h * 60 + m)
}

impl Load for Hours {
    fn schema(_: &mut Schemas) -> serde_json::Value {
        let spans = json!({"type": "array", "items": {"type": "string", "pattern": SPAN_PATTERN}});
        json!({"type": "object", "propertyNames": {"pattern": DAYS_PATTERN}, "additionalProperties": spans})
    }

    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        let entries = cx.entries(node, "hours by day: `{ mon-fri: [\"09:00-17:00\"] }`")?;
        let mut hours = Self { span: node.span, ..Self::default() };
        let mut good = true;
        for e in entries {
            let Some(numbers) = days(&e.key) else {
                let d = Diagnostic::error("unknown-word", e.key_span, format!("`{}` is not a day, nor days", e.key));
                cx.push(d.help("write `mon` or `mon-fri`"));
                good = false;
                continue;
            };
            let Some(spans) = spans(&e.value, cx) else {
                good = false;
                continue;
            };
            for day in numbers {
                hours.days[day].extend(&spans);
            }
        }
        for day in &mut hours.days {
            day.sort_unstable();
        }
        good.then_some(hours)
    }
}

fn spans(node: &Node, cx: &mut Loader) -> Option<Vec<(u16, u16)>> {
    let Value::List(items) = &node.value else {
        cx.wrong_type(node, "a list");
        return None;
    };
    let one = |n: &Node, cx: &mut Loader| {
        let span = match &n.value {
            Value::Text(t) => t.split_once('-').and_then(|(f, t)| Some((minutes(f)?, minutes(t)?))),
            _ => None,
        };
        if span.is_none_or(|(from, to)| from >= to) {
            cx.push(
                Diagnostic::error("wrong-type", n.span, "expected a span of time").help("write `\"08:00-12:00\"`; a day ends at 24:00"),
            );
            return None;
        }
        span
    };
    Some(cx.each(items, |n: &Node, cx| one(n, cx)))
}

/// A day that comes every year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthDay(pub i8, pub i8);

impl Load for MonthDay {
    fn schema(_: &mut Schemas) -> serde_json::Value {
        json!({"type": "string", "pattern": "^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"})
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        // 2024 has every day that some year has.
        let date = match &node.value {
            Value::Text(t) if t.len() == 5 => format!("2024-{t}").parse::<Date>().ok(),
            _ => None,
        };
        if date.is_none() {
            cx.push(Diagnostic::error("wrong-type", node.span, "expected month and day").help("write `\"12-25\"`"));
        }
        date.map(|d| Self(d.month(), d.day()))
    }
}

/// A single day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(pub Date);

impl Load for Day {
    fn schema(_: &mut Schemas) -> serde_json::Value {
        json!({"type": "string", "format": "date", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"})
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        let date = match &node.value {
            Value::Text(t) if t.len() == 10 => t.parse().ok(),
            _ => None,
        };
        if date.is_none() {
            cx.push(Diagnostic::error("wrong-type", node.span, "expected a day").help("write `\"2026-12-31\"`"));
        }
        date.map(Self)
    }
}

impl Calendar {
    /// The calendar ready to be counted in. `more` are the days of its iCalendar file: single ones, and yearly ones.
    pub fn work_time(&self, site: &TimeZone, more: &(BTreeSet<Date>, BTreeSet<(i8, i8)>)) -> WorkTime {
        let holidays = self.holidays.as_ref();
        let mut yearly: BTreeSet<(i8, i8)> = holidays.iter().flat_map(|h| &h.yearly).map(|d| (d.0, d.1)).collect();
        let mut once: BTreeSet<Date> = holidays.iter().flat_map(|h| &h.once).map(|d| d.0).collect();
        once.extend(&more.0);
        yearly.extend(&more.1);
        let zone = self.zone.as_ref().map_or_else(|| site.clone(), |z| z.0.clone());
        WorkTime::new(self.name.to_string(), zone, self.hours.days.clone(), yearly, once)
    }
}
