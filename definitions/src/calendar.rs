//! Business time: forwards and backwards through working hours, exact over clock changes and holidays (C25).

#[cfg(test)]
pub mod tests;

use crate::cel::value::Duration;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};
use std::collections::BTreeSet;

/// Days that are looked through for an opening, about ten years: a calendar that opens no more ends the search.
const DAYS_MAX: usize = 3_660;

/// A calendar ready to be counted in.
#[derive(Debug, Clone)]
pub struct WorkTime {
    pub name: String,
    zone: TimeZone,
    /// Monday first; minutes from midnight.
    days: [Vec<(u16, u16)>; 7],
    yearly: BTreeSet<(i8, i8)>,
    once: BTreeSet<Date>,
}

impl WorkTime {
    /// `days` are the opening spans of the week, Monday first, in minutes from midnight; `yearly` (month, day) and `once`
    /// are holidays.
    pub fn new(name: String, zone: TimeZone, days: [Vec<(u16, u16)>; 7], yearly: BTreeSet<(i8, i8)>, once: BTreeSet<Date>) -> Self {
        Self { name, zone, days, yearly, once }
    }

    /// The open spans of a day, as they really pass: a span that a clock change swallows is not there, one that it
    /// repeats is longer.
    fn spans(&self, date: Date) -> Vec<(Timestamp, Timestamp)> {
        if self.once.contains(&date) || self.yearly.contains(&(date.month(), date.day())) {
            return vec![];
        }
        let at = |minutes: u16| {
            let (date, minutes) = if minutes == 24 * 60 { (date.tomorrow().unwrap_or(date), 0) } else { (date, minutes) };
            let time = Time::constant((minutes / 60) as i8, (minutes % 60) as i8, 0, 0);
            date.to_datetime(time).to_zoned(self.zone.clone()).map(|z| z.timestamp()).unwrap_or(Timestamp::MAX)
        };
        let day = date.weekday().to_monday_zero_offset() as usize;
        self.days[day].iter().map(|(from, to)| (at(*from), at(*to))).filter(|(from, to)| from < to).collect()
    }

    fn date(&self, t: Timestamp) -> Date {
        self.local(t).date()
    }

    fn local(&self, t: Timestamp) -> Zoned {
        t.to_zoned(self.zone.clone())
    }

    /// Whether it is open at this time.
    pub fn is_open(&self, t: Timestamp) -> bool {
        self.spans(self.date(t)).iter().any(|(from, to)| *from <= t && t < *to)
    }

    /// Seconds of working time from one time to the other; less than nothing where the second lies before the first.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> i64 {
        if to < from {
            return -self.between(to, from);
        }
        let (mut date, last) = (self.date(from), self.date(to));
        let mut total = 0;
        loop {
            for (open, close) in self.spans(date) {
                let (a, b) = (open.max(from), close.min(to));
                if a < b {
                    total += b.as_second() - a.as_second();
                }
            }
            match date.tomorrow() {
                Ok(next) if date < last => date = next,
                _ => return total,
            }
        }
    }

    /// Working days from one date to another, which is left out; less than nothing where the second lies before the first.
    /// `None` where they are more than a hundred years apart.
    pub fn days_between(&self, from: Date, to: Date) -> Option<i64> {
        if to < from {
            return self.days_between(to, from).map(|days| -days);
        }
        let days = from.until(to).ok()?.get_days();
        if days > 36_600 {
            return None;
        }
        let closed = |d: Date| self.once.contains(&d) || self.yearly.contains(&(d.month(), d.day()));
        let open = |d: &Date| !closed(*d) && !self.days[d.weekday().to_monday_zero_offset() as usize].is_empty();
        Some(from.series(1.day()).take(days as usize).filter(open).count() as i64)
    }

    /// The time that lies so much working time behind, or before where it is negative: days are working days at the
    /// same wall time, moved to the next opening if closed then; seconds pass while it is open. `None` where it does
    /// not open for ten years.
    pub fn add(&self, t: Timestamp, by: Duration) -> Option<Timestamp> {
        let t = if by.days == 0 { t } else { self.add_days(t, by.days)? };
        match by.seconds {
            0 => Some(t),
            s if s > 0 => self.forward(t, s),
            s => self.backward(t, s.checked_neg()?),
        }
    }

    fn add_days(&self, t: Timestamp, days: i64) -> Option<Timestamp> {
        let local = self.local(t);
        let mut date = local.date();
        let mut left = days.unsigned_abs();
        let mut closed = 0;
        while left > 0 {
            date = if days > 0 { date.tomorrow().ok()? } else { date.yesterday().ok()? };
            if self.spans(date).is_empty() {
                closed += 1;
                if closed > DAYS_MAX {
                    return None;
                }
            } else {
                closed = 0;
                left -= 1;
            }
        }
        let wanted = date.to_datetime(local.time()).to_zoned(self.zone.clone()).ok()?.timestamp();
        self.next_open(wanted)
    }

    /// The time itself if it is open, else the next opening.
    fn next_open(&self, t: Timestamp) -> Option<Timestamp> {
        let mut date = self.date(t);
        for _ in 0..DAYS_MAX {
            if let Some((open, _)) = self.spans(date).into_iter().find(|(_, close)| t < *close) {
                return Some(open.max(t));
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn forward(&self, t: Timestamp, seconds: i64) -> Option<Timestamp> {
        let (mut date, mut left, mut closed) = (self.date(t), seconds, 0);
        while closed <= DAYS_MAX {
            for (open, close) in self.spans(date) {
                let begin = open.max(t);
                if begin >= close {
                    continue;
                }
                closed = 0;
                let here = close.as_second() - begin.as_second();
                // The last second of a span is its end: eight hours from opening to closing are over when it closes.
                if left <= here {
                    return begin.checked_add(SignedDuration::from_secs(left)).ok();
                }
                left -= here;
            }
            closed += 1;
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn backward(&self, t: Timestamp, seconds: i64) -> Option<Timestamp> {
        let (mut date, mut left, mut closed) = (self.date(t), seconds, 0);
        while closed <= DAYS_MAX {
            for (open, close) in self.spans(date).into_iter().rev() {
                let end = close.min(t);
                if end <= open {
                    continue;
                }
                closed = 0;
                let here = end.as_second() - open.as_second();
                if left <= here {
                    return end.checked_sub(SignedDuration::from_secs(left)).ok();
                }
                left -= here;
            }
            closed += 1;
            date = date.yesterday().ok()?;
        }
        None
    }

    /// Whether it ever opens.
    pub fn opens(&self) -> bool {
        self.days.iter().any(|d| !d.is_empty())
    }
}

/// So much later: with a calendar in its working time, without in calendar days at the same wall time and elapsed hours.
pub fn later(t: Timestamp, by: Duration, calendar: Option<&WorkTime>, zone: &TimeZone) -> Option<Timestamp> {
    match calendar {
        Some(calendar) => calendar.add(t, by),
        None => {
            let days = jiff::Span::new().try_days(by.days).ok()?;
            let zoned = t.to_zoned(zone.clone()).checked_add(days).ok()?;
            zoned.checked_add(SignedDuration::from_secs(by.seconds)).ok().map(|z| z.timestamp())
        }
    }
}
