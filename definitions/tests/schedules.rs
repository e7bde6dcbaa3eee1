//! Times of schedules over changes of the clock, in zones that change by an hour, by half an hour, and not at all.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use vorgang_definitions::kinds::job::Schedule;
use vorgang_definitions::source::Span;

/// (zone, schedule, first looked at, the times that follow)
const TABLE: &[(&str, &str, &str, &[&str])] = &[
    ("Europe/Berlin", "30 2 * * *", "2024-03-30T12:00:00Z", &["2024-03-31 03:00+0200", "2024-04-01 02:30+0200", "2024-04-02 02:30+0200"]),
    ("Europe/Berlin", "30 2 * * *", "2025-10-25T12:00:00Z", &["2025-10-26 02:30+0200", "2025-10-27 02:30+0100", "2025-10-28 02:30+0100"]),
    ("Europe/Berlin", "30 2 * * *", "2027-03-27T12:00:00Z", &["2027-03-28 03:00+0200", "2027-03-29 02:30+0200", "2027-03-30 02:30+0200"]),
    ("Europe/Berlin", "30 2 * * *", "2030-10-26T12:00:00Z", &["2030-10-27 02:30+0200", "2030-10-28 02:30+0100", "2030-10-29 02:30+0100"]),
    ("Europe/Berlin", "*/30 * * * *", "2026-10-24T23:45:00Z", &["2026-10-25 02:00+0200", "2026-10-25 02:30+0200", "2026-10-25 02:00+0100"]),
    ("Europe/Berlin", "*/30 * * * *", "2026-03-29T00:15:00Z", &["2026-03-29 01:30+0100", "2026-03-29 03:00+0200", "2026-03-29 03:30+0200"]),
    ("Europe/Berlin", "0 6 * * 1-5", "2026-03-27T06:00:00Z", &["2026-03-30 06:00+0200", "2026-03-31 06:00+0200", "2026-04-01 06:00+0200"]),
    ("Europe/Berlin", "0 6 * * 1-5", "2028-10-27T06:00:00Z", &["2028-10-30 06:00+0100", "2028-10-31 06:00+0100", "2028-11-01 06:00+0100"]),
    ("Europe/Berlin", "0 0 L * *", "2024-02-01T00:00:00Z", &["2024-02-29 00:00+0100", "2024-03-31 00:00+0100", "2024-04-30 00:00+0200"]),
    (
        "Europe/Berlin",
        "0 9 * * MON#1",
        "2026-11-25T00:00:00Z",
        &["2026-12-07 09:00+0100", "2027-01-04 09:00+0100", "2027-02-01 09:00+0100"],
    ),
    ("Europe/Berlin", "0 12 29 2 *", "2024-03-01T00:00:00Z", &["2028-02-29 12:00+0100", "2032-02-29 12:00+0100", "2036-02-29 12:00+0100"]),
    (
        "Australia/Lord_Howe",
        "15 2 * * *",
        "2026-10-03T00:00:00Z",
        &["2026-10-04 02:30+1100", "2026-10-05 02:15+1100", "2026-10-06 02:15+1100"],
    ),
    (
        "Australia/Lord_Howe",
        "15 2 * * *",
        "2027-10-02T00:00:00Z",
        &["2027-10-03 02:30+1100", "2027-10-04 02:15+1100", "2027-10-05 02:15+1100"],
    ),
    (
        "Australia/Lord_Howe",
        "45 1 * * *",
        "2026-04-04T00:00:00Z",
        &["2026-04-05 01:45+1100", "2026-04-06 01:45+1030", "2026-04-07 01:45+1030"],
    ),
    (
        "Australia/Lord_Howe",
        "45 1 * * *",
        "2029-03-31T00:00:00Z",
        &["2029-04-01 01:45+1100", "2029-04-02 01:45+1030", "2029-04-03 01:45+1030"],
    ),
    ("Pacific/Apia", "0 6 * * *", "2026-04-03T20:00:00Z", &["2026-04-05 06:00+1300", "2026-04-06 06:00+1300", "2026-04-07 06:00+1300"]),
];

#[test]
fn schedules_come_when_the_table_says() {
    let mut wrong = vec![];
    for (zone, line, from, expected) in TABLE {
        let zone = TimeZone::get(zone).expect("a zone");
        let schedule = Schedule::parse(line, Span::default()).expect("a schedule");
        let mut at: Timestamp = from.parse().expect("a time");
        let mut found = vec![];
        for _ in 0..expected.len().max(3) {
            at = schedule.next(at, &zone).expect("it comes");
            found.push(at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M%z").to_string());
        }
        if found != *expected {
            wrong.push(format!("{line} from {from}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
