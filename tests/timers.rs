//! Timers in the running desk: at their second, once, whoever looks; anew after their calendar has changed.

mod common;

use common::world::world;
use jiff::SignedDuration;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use vorgang_core::commands::{ClaimWork, Command, Form, Hand, NewTicket, PatchTicket, RecountTimers, StartProcess, Steer};
use vorgang_core::people;
use vorgang_core::timer::Pause;
use vorgang_definitions::site::SiteFile;
use vorgang_runtime::timers::{Waiting, fire_due};
use vorgang_runtime::{Desk, audit};

const SITE: &str = r#"
- { kind: Site, name: clocks, language: 1, languages: en, zone: Europe/Berlin, title: Clocks }
- { kind: State, name: new, type: new }
- { kind: State, name: open, type: open }
- { kind: State, name: asleep, type: pending_auto, then: open }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: clerk, queues: { desk: [rw] } }
- { kind: Field, name: count, type: integer }
- { kind: TicketType, name: case, fields: [ { field: count, default: 0 } ], states: [new, open, asleep] }
- { kind: Handler, name: forgets, on: ticket.title_changed, do: [ { set: { pending_until: null } } ] }
- { kind: Calendar, name: office, hours: { mon-fri: ["09:00-17:00"] } }
- kind: Process
  name: clocks
  starts: [ { by: agent, at: begin } ]
  ticket: { type: case, queue: desk, state: new, priority: normal }
  activities:
    begin: { next: work }
    work:
      dialogs: { form: { for: agent } }
      timers: [ { after: 1h, every: 1h, do: [ { set: { count: "= ticket.fields.count + 1" } } ] }, { after: 1d, calendar: office, next: late } ]
      next: fine
    late: { end: late }
    fine: { end: fine }
"#;

async fn fire(desk: &Arc<Desk>) -> usize {
    fire_due(desk, &mut Waiting::default()).await.expect("timers fire")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_ticket_reopens_at_its_very_second_and_once() {
    let w = world("pending", SITE).await;
    let new = NewTicket { title: "Later".into(), ticket_type: "case".into(), queue: "desk".into(), ..NewTicket::default() };
    let number = w.execute(None, Command::CreateTicket(new)).await.ticket.number.to_string();
    let values = BTreeMap::from([("state".to_owned(), json!("asleep")), ("pending".to_owned(), json!("2h"))]);
    w.execute(Some(&number), Command::PatchTicket(PatchTicket { values, seen: None, expected: None, blobs: vec![] })).await;
    w.advance(SignedDuration::from_secs(2 * 3600 - 1));
    assert_eq!(fire(&w.desk).await, 0, "never early");
    w.advance(SignedDuration::from_secs(1));
    // Four that look at the same time, as four nodes would.
    let (a, b, c, d) = tokio::join!(fire(&w.desk), fire(&w.desk), fire(&w.desk), fire(&w.desk));
    assert!(a + b + c + d >= 1);
    let stored = w.desk.store.ticket_load(&number).await.expect("a read").expect("the ticket").snapshot;
    assert_eq!((stored.ticket.state.as_str(), stored.timers.len()), ("open", 0));
    assert_eq!(w.fired(&number).await, 1);
    assert_eq!(fire(&w.desk).await, 0);
}

/// No way of clearing the time leaves the state behind: not a person's, not a handler's.
/// Each of many timers fires, and each once.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_timers_that_are_due_each_fires_once() {
    let w = world("many", SITE).await;
    let mut numbers = vec![];
    for n in 0..40 {
        let new = NewTicket { title: format!("Later {n}"), ticket_type: "case".into(), queue: "desk".into(), ..NewTicket::default() };
        let number = w.execute(None, Command::CreateTicket(new)).await.ticket.number.to_string();
        w.patch(&number, &[("state", json!("asleep")), ("pending", json!("2h"))]).await;
        numbers.push(number);
    }
    w.advance(SignedDuration::from_hours(2));
    let mut fired = 0;
    loop {
        match fire(&w.desk).await {
            0 => break,
            more => fired += more,
        }
    }
    assert_eq!(fired, numbers.len());
    for number in &numbers {
        let stored = w.stored(number).await;
        assert_eq!((stored.ticket.state.as_str(), stored.timers.len(), w.fired(number).await), ("open", 0, 1), "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_waits_keeps_its_time() {
    let w = world("waits", SITE).await;
    let number = w.ticket("Later").await;
    let asleep = w.patch(&number, &[("state", json!("asleep")), ("pending", json!("2h"))]).await;
    let until = asleep.ticket.pending_until.expect("a time");
    for values in [
        json!({"pending_until": null}),
        json!({"pending_until": ""}),
        json!({"pending": null}),
        json!({"pending_until": null, "state": "asleep"}),
    ] {
        let values: BTreeMap<String, serde_json::Value> = serde_json::from_value(values).expect("values");
        let command = Command::PatchTicket(PatchTicket { values: values.clone(), seen: None, expected: None, blobs: vec![] });
        let request = vorgang_runtime::Request { actor: &w.otto, ticket: Some(&number), command, cause: "test", at: None };
        assert!(w.desk.execute(request).await.is_err(), "{values:?}");
    }
    // The handler's action fails, which is an incident, and the time stays.
    w.patch(&number, &[("title", json!("Still later"))]).await;
    let stored = w.stored(&number).await;
    assert_eq!((stored.ticket.state.as_str(), stored.ticket.pending_until), ("asleep", Some(until)));
    assert_eq!(stored.incidents.len(), 1);
    // With another state beside it, it goes.
    let open = w.patch(&number, &[("pending_until", json!(null)), ("state", json!("open"))]).await;
    assert_eq!((open.ticket.state.as_str(), open.ticket.pending_until), ("open", None));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_three_days_of_standing_still_what_was_missed_is_not_made_up_for() {
    let w = world("missed", SITE).await;
    let number = w
        .execute(None, Command::StartProcess(StartProcess { process: "clocks".into(), form: Form::default() }))
        .await
        .ticket
        .number
        .clone();
    w.advance(SignedDuration::from_hours(5));
    assert_eq!(fire(&w.desk).await, 1);
    let stored = w.desk.store.ticket_load(&number).await.expect("a read").expect("the ticket").snapshot;
    assert_eq!(stored.ticket.fields["count"], json!(1));
    // It goes on in step with its beginning.
    w.advance(SignedDuration::from_mins(59));
    assert_eq!(fire(&w.desk).await, 0);
    w.advance(SignedDuration::from_mins(1));
    assert_eq!(fire(&w.desk).await, 1);
    // A clock that goes back fires nothing twice.
    w.advance(SignedDuration::from_hours(-1));
    assert_eq!(fire(&w.desk).await, 0);
    let report = audit::verify(&*w.desk.store).await.expect("a report");
    assert_eq!(report.findings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_calendar_moves_what_counts_in_it() {
    let w = world("recount", SITE).await;
    let number = w
        .execute(None, Command::StartProcess(StartProcess { process: "clocks".into(), form: Form::default() }))
        .await
        .ticket
        .number
        .clone();
    let due = async || {
        let stored = w.desk.store.ticket_load(&number).await.expect("a read").expect("the ticket").snapshot;
        stored.timers.iter().find(|t| t.calendar.is_some()).map(|t| t.due.strftime("%FT%TZ").to_string())
    };
    assert_eq!(due().await.as_deref(), Some("2026-03-03T09:00:00Z"));
    let text = SITE
        .replace("hours: { mon-fri: [\"09:00-17:00\"] }", "hours: { mon-fri: [\"09:00-17:00\"] }, holidays: { once: [\"2026-03-03\"] }");
    w.desk.apply(&[SiteFile { path: "site.yaml".into(), text }], "test").await.expect("applied");
    let running = tokio::spawn(vorgang_runtime::timers::run_lane(w.desk.clone()));
    for _ in 0..200 {
        if due().await.as_deref() == Some("2026-03-04T09:00:00Z") {
            break;
        }
        tokio::task::yield_now().await;
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    running.abort();
    assert_eq!(due().await.as_deref(), Some("2026-03-04T09:00:00Z"));
}

/// Work that was suspended keeps what was left of its time when the calendar changes later.
#[tokio::test(flavor = "multi_thread")]
async fn time_that_stood_is_not_counted_again_after_a_changed_calendar() {
    let w = world("recount-stood", SITE).await;
    let started = w.execute(None, Command::StartProcess(StartProcess { process: "clocks".into(), form: Form::default() })).await;
    let number = started.ticket.number.to_string();
    let work = started.open_work().next().expect("work").seq;
    let seconds = |t: jiff::Timestamp| t.strftime("%FT%TZ").to_string();
    let office = async || w.stored(&number).await.timers.iter().find(|t| t.calendar.is_some()).cloned().expect("the clock");
    assert_eq!(seconds(office().await.due), "2026-03-03T09:00:00Z");
    w.execute(Some(&number), Command::ClaimWork(ClaimWork { work })).await;
    let steer = |hand| Command::Steer(Steer { hand, reason: "later".into(), anyway: false });
    w.execute(Some(&number), steer(Hand::Suspend { work })).await;
    let standing = office().await;
    assert_eq!((standing.fires(), standing.stands.map(|s| s.by)), (None, Some(Pause::Suspended)));
    w.advance(SignedDuration::from_hours(48));
    assert_eq!(fire(&w.desk).await, 0, "what stands does not fire");
    w.execute(Some(&number), steer(Hand::Resume { work })).await;
    assert_eq!(seconds(office().await.due), "2026-03-05T09:00:00Z");
    // Monday is no day of it any more; nothing that is still ahead.
    let text = SITE.replace("mon-fri", "tue-fri");
    w.desk.apply(&[SiteFile { path: "site.yaml".into(), text }], "test").await.expect("applied");
    let (system, command) = (people::system(), Command::RecountTimers(RecountTimers));
    let request = vorgang_runtime::Request { actor: &system, ticket: Some(&number), command, cause: "test", at: None };
    w.desk.execute(request).await.expect("recounted");
    assert_eq!(seconds(office().await.due), "2026-03-05T09:00:00Z");
}
