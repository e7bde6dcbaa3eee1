//! Clocks as rows: owners, pauses, restarts, calendars. The table already serves service agreements.

use crate::Store;
use crate::conformance::fixtures::{at, commit, decision, fill, ticket};
use vorgang_core::chain;
use vorgang_core::event::{Event, TicketCreated, TimerEnded, TimerSet};
use vorgang_core::ids::{InstanceId, TicketId, TimerId, WorkId};
use vorgang_core::snapshot::{Duration, Snapshot};
use vorgang_core::timer::{Pause, Standing, Timer, TimerKind, TimerOwner};

fn clock(seq: u32, name: &str, due: i64) -> Timer {
    Timer {
        seq: TimerId(seq),
        work: None,
        kind: TimerKind::Named { name: name.into() },
        due: at(due),
        start: at(0),
        after: Duration { days: 0, seconds: due },
        calendar: Some("office".into()),
        stands: None,
    }
}

fn set(timer: Timer) -> Event {
    Event::TimerSet(TimerSet { timer })
}

/// Writes the events as the ticket's next version, and reads the ticket again.
async fn next(store: &dyn Store, events: Vec<Event>, now: i64) -> Snapshot {
    let stored = store.ticket_load("N1").await.expect("a read");
    let (before, head) = stored.map_or((None, chain::GENESIS), |s| (Some(s.snapshot), s.head));
    let decision = decision(before.as_ref(), events, at(now));
    let version = before.map_or(0, |s| s.version);
    store.commit(commit(&decision, version, head, at(now))).await.expect("a commit");
    let read = store.ticket_load("N1").await.expect("a read").expect("the ticket").snapshot;
    assert_eq!(read.clone().compact(), decision.after.compact(), "clocks come back as they were written");
    read
}

/// Writes one clock of each owner, the first of them paused. [`COLUMNS`] lists their columns.
pub async fn write_one_of_each(store: &dyn Store) {
    fill(store).await;
    let created = Event::TicketCreated(TicketCreated { ticket: Box::new(ticket(1, "anna", "north", "desk")) });
    let stands = Some(Standing { since: at(1_800), by: Pause::Condition });
    let group = Timer { kind: TimerKind::Group { instance: InstanceId(3), group: 0, index: 1 }, calendar: None, ..clock(2, "", 9_000) };
    let step = Timer { work: Some(WorkId(5)), kind: TimerKind::Activity { index: 2 }, ..clock(3, "", 9_500) };
    let pending = Timer { kind: TimerKind::Pending, calendar: None, ..clock(4, "", 60) };
    let clocks = vec![created, set(Timer { stands, ..clock(1, "solution", 14_400) }), set(group), set(step), set(pending)];
    let decided = decision(None, clocks, at(0));
    store.commit(commit(&decided, 0, chain::GENESIS, at(0))).await.expect("a commit");
    let rows: Vec<String> = decided
        .after
        .timers
        .iter()
        .map(|t| {
            let owner = match t.owner() {
                TimerOwner::Ticket => "ticket 0".to_owned(),
                TimerOwner::Group(instance) => format!("group {instance}"),
                TimerOwner::Work(work) => format!("work {work}"),
            };
            let (due, by) = (if t.fires().is_some() { "due" } else { "stands" }, t.stands.map_or("", |s| s.by.word()));
            format!("{owner} {} {} {due} {by}", t.name(), t.calendar.as_deref().unwrap_or("-"))
        })
        .collect();
    assert_eq!(rows, COLUMNS, "the engine names clocks as the columns do");
}

/// Owner, part, name, calendar, whether it is due, and what pauses it, for each clock in the order of its id.
pub const COLUMNS: [&str; 4] = [
    "ticket 0 solution office stands condition",
    "group 3 groups[0].timers[1] - due ",
    "work 5 timers[2] office due ",
    "ticket 0 pending - due ",
];

/// The columns as [`COLUMNS`] has them, in the SQL of both databases.
pub const COLUMNS_SQL: &str = "SELECT owner || ' ' || part || ' ' || name || ' ' || coalesce(calendar, '-') || ' ' || \
     CASE WHEN due IS NULL THEN 'stands' ELSE 'due' END || ' ' || coalesce(paused_by, '') FROM timer WHERE ticket_id = 1 ORDER BY seq";

async fn due(store: &dyn Store, now: i64) -> Vec<(TimerId, i64)> {
    let seconds = |t: jiff::Timestamp| t.duration_since(at(0)).as_secs();
    store.timers_due(at(now), 10).await.expect("timers").iter().map(|t| (t.seq, seconds(t.due))).collect()
}

/// An agreement with a first response in one hour and a solution in four, which pauses and restarts (W24).
pub async fn clocks_of_an_agreement(store: &dyn Store) {
    let created = Event::TicketCreated(TicketCreated { ticket: Box::new(ticket(1, "anna", "north", "desk")) });
    let group = Timer { kind: TimerKind::Group { instance: InstanceId(3), group: 0, index: 1 }, calendar: None, ..clock(4, "", 9_000) };
    let work = Timer { work: Some(WorkId(5)), kind: TimerKind::Within, ..clock(6, "", 9_500) };
    let begun =
        vec![created, set(clock(1, "first_response", 3_600)), set(clock(2, "solution", 14_400)), set(group.clone()), set(work.clone())];
    next(store, begun, 0).await;
    assert_eq!(due(store, 3_599).await, []);
    assert_eq!(due(store, 3_600).await, [(TimerId(1), 3_600)], "it fires at its second");
    // An agent answers, then waits for the customer: one clock is met, the other stands.
    let stands = Some(Standing { since: at(1_800), by: Pause::Condition });
    let paused = vec![Event::TimerEnded(TimerEnded { seq: TimerId(1) }), set(Timer { stands, ..clock(2, "solution", 14_400) })];
    let read = next(store, paused, 1_800).await;
    let solution = read.timers.iter().find(|t| t.seq == TimerId(2)).expect("the clock").clone();
    assert_eq!((solution.fires(), solution.stands, &*solution.name()), (None, stands, "solution"));
    assert_eq!(due(store, 20_000).await, [(TimerId(4), 9_000), (TimerId(6), 9_500)], "a clock that stands does not fire");
    let counted = store.timers_counted((TicketId(0), TimerId(0)), 10).await.expect("timers");
    let counted: Vec<_> = counted.into_iter().map(|c| (c.number, c.timer.seq)).collect();
    assert_eq!(counted, [("N1".into(), TimerId(2)), ("N1".into(), TimerId(6))], "standing clocks count in their calendar too");
    // The customer answers an hour later: what was left goes on.
    let elapsed = |from: jiff::Timestamp, to: jiff::Timestamp| to.duration_since(from).as_secs();
    let resumed = solution.resumed(at(5_400), elapsed, |left| Some(at(5_400 + left)));
    assert_eq!((resumed.due, resumed.start, resumed.after.seconds), (at(18_000), at(5_400), 12_600));
    next(store, vec![set(resumed)], 5_400).await;
    assert_eq!(due(store, 18_000).await, [(TimerId(4), 9_000), (TimerId(6), 9_500), (TimerId(2), 18_000)]);
    // Solved, then reopened: the clock restarts, and a second agreement has a clock of its own.
    let again = Timer { start: at(20_000), ..clock(2, "solution", 34_400) };
    next(store, vec![set(again), set(clock(7, "ola.solution", 30_000)), Event::TimerEnded(TimerEnded { seq: TimerId(4) })], 20_000).await;
    assert_eq!(due(store, 40_000).await, [(TimerId(6), 9_500), (TimerId(7), 30_000), (TimerId(2), 34_400)]);
    assert_eq!((group.owner(), work.owner()), (TimerOwner::Group(InstanceId(3)), TimerOwner::Work(WorkId(5))));
}
