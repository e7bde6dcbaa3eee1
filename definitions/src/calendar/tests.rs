use super::*;

fn calendar(zone: &str, days: [Vec<(u16, u16)>; 7], once: &[&str]) -> WorkTime {
    let once = once.iter().map(|d| d.parse().expect("a day")).collect();
    WorkTime { name: "office".into(), zone: TimeZone::get(zone).expect("a zone"), days, yearly: [(12, 25)].into(), once }
}

/// Berlin, Monday to Friday from eight to twelve and from one to half past five; closed at Christmas and on 2026-12-31.
pub fn office() -> WorkTime {
    let day = vec![(8 * 60, 12 * 60), (13 * 60, 17 * 60 + 30)];
    let days = [day.clone(), day.clone(), day.clone(), day.clone(), day, vec![], vec![]];
    calendar("Europe/Berlin", days, &["2026-12-31"])
}

fn t(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

const H: i64 = 3_600;

#[test]
fn hours_pass_while_it_is_open() {
    for (from, days, seconds, to) in [
        // Within a span, over the lunch break, to the very end of a span.
        ("2026-03-02T09:00:00+01:00", 0, H, "2026-03-02T10:00:00+01:00"),
        ("2026-03-02T11:00:00+01:00", 0, 2 * H, "2026-03-02T14:00:00+01:00"),
        ("2026-03-02T08:00:00+01:00", 0, 4 * H, "2026-03-02T12:00:00+01:00"),
        ("2026-03-02T08:00:00+01:00", 0, 4 * H + 1, "2026-03-02T13:00:01+01:00"),
        // Before opening, at night, over the weekend with the change of clocks, over a year's end with holidays.
        ("2026-03-02T03:00:00+01:00", 0, H, "2026-03-02T09:00:00+01:00"),
        ("2026-03-27T16:30:00+01:00", 0, 2 * H, "2026-03-30T09:00:00+02:00"),
        ("2026-10-23T16:30:00+02:00", 0, 2 * H, "2026-10-26T09:00:00+01:00"),
        ("2026-12-30T17:00:00+01:00", 0, H, "2027-01-01T08:30:00+01:00"),
        ("2026-12-24T17:00:00+01:00", 0, H, "2026-12-28T08:30:00+01:00"),
        // Days are working days at the same wall time, moved to the next opening if closed then.
        ("2026-03-27T10:15:00+01:00", 1, 0, "2026-03-30T10:15:00+02:00"),
        ("2026-03-27T12:30:00+01:00", 1, 0, "2026-03-30T13:00:00+02:00"),
        ("2026-03-28T10:00:00+01:00", 1, 0, "2026-03-30T10:00:00+02:00"),
        ("2026-03-27T18:00:00+01:00", 1, 0, "2026-03-31T08:00:00+02:00"),
        ("2026-03-27T10:00:00+01:00", 5, 0, "2026-04-03T10:00:00+02:00"),
        // Both: days first, then hours.
        ("2026-03-27T16:30:00+01:00", 1, 2 * H, "2026-03-31T09:00:00+02:00"),
        // Backwards.
        ("2026-03-30T09:00:00+02:00", 0, -2 * H, "2026-03-27T16:30:00+01:00"),
        ("2026-03-02T13:00:00+01:00", 0, -H, "2026-03-02T11:00:00+01:00"),
        ("2026-03-30T10:15:00+02:00", -1, 0, "2026-03-27T10:15:00+01:00"),
        ("2026-03-02T09:00:00+01:00", 0, 0, "2026-03-02T09:00:00+01:00"),
    ] {
        let found = office().add(t(from), Duration { days, seconds });
        assert_eq!(found, Some(t(to)), "{from} + {days} d {seconds} s");
    }
}

#[test]
fn between_counts_what_add_adds() {
    let office = office();
    let start = t("2026-03-20T00:00:00Z");
    for minutes in (0..20 * 24 * 60).step_by(37) {
        let from = start + SignedDuration::from_mins(minutes);
        for seconds in [1, 59, H, 5 * H + 17, 20 * H, 90 * H] {
            let to = office.add(from, Duration { days: 0, seconds }).expect("it opens");
            assert_eq!(office.between(from, to), seconds, "{from} + {seconds}");
            assert_eq!(office.between(to, from), -seconds);
            let back = office.add(to, Duration { days: 0, seconds: -seconds }).expect("it opened");
            assert_eq!(office.between(back, to), seconds, "{to} - {seconds}");
        }
    }
}

/// Round the clock the nights of the change of clocks have 23 and 25 hours; Lord Howe moves by half an hour, and Apia
/// had no 30 December 2011.
#[test]
fn clock_changes_are_what_passes() {
    let always = || std::array::from_fn(|_| vec![(0, 24 * 60)]);
    for (zone, from, to, hours) in [
        ("Europe/Berlin", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 23.0),
        ("Europe/Berlin", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", 25.0),
        ("Australia/Lord_Howe", "2026-04-05T00:00:00+11:00", "2026-04-06T00:00:00+10:30", 24.5),
        ("Australia/Lord_Howe", "2026-10-04T00:00:00+10:30", "2026-10-05T00:00:00+11:00", 23.5),
        ("Pacific/Apia", "2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", 24.0),
    ] {
        let found = calendar(zone, always(), &[]).between(t(from), t(to));
        assert_eq!(found as f64 / 3_600.0, hours, "{zone}");
    }
    // A span that lies in the gap is not there; one in the overlap passes twice.
    let night = calendar("Europe/Berlin", std::array::from_fn(|_| vec![(120, 180)]), &[]);
    assert_eq!(night.between(t("2026-03-29T00:00:00Z"), t("2026-03-29T12:00:00Z")), 0);
    assert_eq!(night.between(t("2026-10-24T23:00:00Z"), t("2026-10-25T12:00:00Z")), 2 * H);
}

#[test]
fn a_calendar_that_never_opens_is_no_loop() {
    let closed = calendar("UTC", std::array::from_fn(|_| vec![]), &[]);
    assert_eq!(closed.add(t("2026-03-02T09:00:00Z"), Duration { days: 0, seconds: 1 }), None);
    assert_eq!(closed.add(t("2026-03-02T09:00:00Z"), Duration { days: -1, seconds: 0 }), None);
    assert_eq!(closed.between(t("2026-03-02T09:00:00Z"), t("2027-03-02T09:00:00Z")), 0);
}
