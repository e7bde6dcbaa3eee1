//! Calendars made ready, with the days of their iCalendar files (RFC 5545): whole-day events, single or yearly.

use crate::calendar::WorkTime;
use crate::diagnostic::Diagnostic;
use crate::kinds::calendar::{Calendar, Holidays};
use crate::names::Table;
use crate::source::{Sources, Span};
use ical::IcalParser;
use ical::property::Property;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// Longest event, in days.
const EVENT_DAYS_MAX: usize = 366;

type Days = (BTreeSet<Date>, BTreeSet<(i8, i8)>);

pub fn work_times(
    calendars: &Table<Calendar>,
    zone: &TimeZone,
    sources: &Sources,
    out: &mut Vec<Diagnostic>,
) -> BTreeMap<String, WorkTime> {
    let mut all = BTreeMap::new();
    for calendar in calendars.iter() {
        let days = calendar.holidays.as_ref().map(|h| of_file(h, sources, out)).unwrap_or_default();
        let time = calendar.work_time(zone, &days);
        if !time.opens() {
            let d = Diagnostic::error("calendar-closed", calendar.hours.span, format!("the calendar `{}` never opens", calendar.name));
            out.push(d.help("write at least one span: `{ mon-fri: [\"09:00-17:00\"] }`"));
        }
        if calendar.hours.days.iter().any(|d| d.windows(2).any(|w| w[0].1 > w[1].0)) {
            out.push(Diagnostic::error("out-of-range", calendar.hours.span, "two spans of one day overlap"));
        }
        all.insert(calendar.name.to_string(), time);
    }
    all
}

/// The file is looked for beside the calendar's own, then by its name in the site.
fn of_file(holidays: &Holidays, sources: &Sources, out: &mut Vec<Diagnostic>) -> Days {
    let Some(wanted) = &holidays.ical else { return Days::default() };
    let files = || sources.files().iter().enumerate().filter(|(_, f)| f.path.ends_with(".ics"));
    let folder = sources.file(holidays.at.file).path.rsplit_once('/').map_or("", |(f, _)| f);
    let beside = if folder.is_empty() { wanted.clone() } else { format!("{folder}/{wanted}") };
    let found = files().find(|(_, f)| f.path == beside).or_else(|| files().find(|(_, f)| f.path.rsplit('/').next() == Some(wanted)));
    let Some((index, file)) = found else {
        let d = Diagnostic::error("unknown-name", holidays.at, format!("the site has no file `{wanted}`"));
        let names: Vec<&str> = files().filter_map(|(_, f)| f.path.rsplit('/').next()).collect();
        out.push(d.suggest(wanted, names, holidays.at, sources));
        return Days::default();
    };
    let mut days = Days::default();
    for calendar in IcalParser::new(file.text.as_bytes()) {
        let Ok(calendar) = calendar else {
            out.push(Diagnostic::error("calendar-file", Span::new(index as u32, 0, 0), "the file cannot be read as iCalendar"));
            break;
        };
        for event in calendar.events {
            if let Err(message) = event_days(&event.properties, &mut days) {
                out.push(Diagnostic::error("calendar-file", Span::new(index as u32, 0, 0), message));
            }
        }
    }
    days
}

fn event_days(properties: &[Property], days: &mut Days) -> Result<(), String> {
    let value = |name: &str| properties.iter().find(|p| p.name == name).and_then(|p| p.value.as_deref());
    let summary = value("SUMMARY").unwrap_or("an event");
    let date = |text: &str| text.get(..8).and_then(|t| Date::strptime("%Y%m%d", t).ok());
    let start = value("DTSTART").ok_or_else(|| format!("`{summary}` has no DTSTART"))?;
    if start.len() > 8 {
        // A meeting at noon is no holiday.
        return Ok(());
    }
    let from = date(start).ok_or_else(|| format!("`{summary}`: `{start}` is not a day"))?;
    let to = value("DTEND").and_then(date).unwrap_or(from);
    let yearly = match value("RRULE") {
        None => false,
        Some(rule) if rule.split(';').all(|p| ["FREQ=YEARLY", "INTERVAL=1"].contains(&p)) => true,
        Some(rule) => return Err(format!("`{summary}`: of rules only `FREQ=YEARLY` is known, not `{rule}`")),
    };
    let mut day = from;
    for _ in 0..EVENT_DAYS_MAX {
        if yearly {
            days.1.insert((day.month(), day.day()));
        } else {
            days.0.insert(day);
        }
        match day.tomorrow() {
            // DTEND is the first day after.
            Ok(next) if next < to => day = next,
            _ => break,
        }
    }
    Ok(())
}
