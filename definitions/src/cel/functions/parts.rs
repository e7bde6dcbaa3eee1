//! Parts of a time, as CEL names and counts them: in the site's zone, or in one that is named.

use crate::cel::function::bad;
use crate::cel::scope::Scope;
use crate::cel::value::{Duration, Value};
use jiff::Zoned;
use jiff::tz::{Offset, TimeZone};

/// A part of the first argument; the second one names the zone: `Europe/Berlin`, `+02:00`.
pub fn part(arguments: &[Value], scope: &dyn Scope, of: fn(&Zoned) -> i64) -> Result<Value, String> {
    let (at, zone) = match arguments {
        [Value::Date(date)] => {
            let start = date.to_zoned(scope.zone().clone()).map_err(|_| "the date is out of range".to_owned())?;
            return Ok(Value::Int(of(&start)));
        }
        [Value::Timestamp(at)] => (at, scope.zone().clone()),
        [Value::Timestamp(at), Value::Text(name)] => (at, zone(name).ok_or_else(|| format!("there is no time zone `{name}`"))?),
        _ => return Err(bad()),
    };
    Ok(Value::Int(of(&at.to_zoned(zone))))
}

fn zone(name: &str) -> Option<TimeZone> {
    let (sign, rest) = match name.as_bytes().first()? {
        b'-' => (-1, &name[1..]),
        b'+' => (1, &name[1..]),
        b'0'..=b'9' => (1, name),
        _ => return TimeZone::get(name).ok(),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let seconds = hours.parse::<i32>().ok()?.checked_mul(3_600)?.checked_add(minutes.parse::<i32>().ok()?.checked_mul(60)?)?;
    Offset::from_seconds(seconds.checked_mul(sign)?).ok().map(Offset::to_time_zone)
}

/// Seconds of a duration, a day having 24 hours.
pub fn whole(duration: &Duration) -> i64 {
    duration.days.saturating_mul(86_400).saturating_add(duration.seconds)
}
