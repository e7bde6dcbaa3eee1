//! Timers in the running desk: at their second, once, whoever looks; anew after their calendar has changed.

mod common;

use common::Folder;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use vorgang_core::Command;
use vorgang_core::command::{Form, NewTicket};
use vorgang_core::event::Event;
use vorgang_core::people::{Person, PersonKind};
use vorgang_definitions::model::SiteFile;
use vorgang_runtime::clock::Clock;
use vorgang_runtime::timers::{Waiting, fire_due};
use vorgang_runtime::{Desk, Request, audit, revisions};
use vorgang_store_sqlite::SqliteStore;

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

struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).expect("a time")
    }
}

struct World {
    desk: Arc<Desk>,
    clock: Arc<Hands>,
    otto: Person,
    _folder: Folder,
}

async fn world(name: &str) -> World {
    let folder = Folder::new(name);
    let start: Timestamp = "2026-03-02T10:00:00+01:00".parse().expect("a time");
    let clock = Arc::new(Hands(AtomicI64::new(start.as_second())));
    let store = Arc::new(SqliteStore::open(&folder.0.join("x.db")).expect("a store"));
    let files = [SiteFile { path: "site.yaml".into(), text: SITE.into() }];
    let Ok(desk) = revisions::open(store, clock.clone(), Some(&files)).await.expect("a desk") else { panic!("the site does not check") };
    let otto = Person {
        login: "otto".into(),
        name: "Otto".into(),
        email: String::new(),
        kind: PersonKind::Agent,
        company: None,
        language: "en".into(),
        roles: vec!["clerk".into()],
        active: true,
    };
    desk.people_save(std::slice::from_ref(&otto)).await.expect("people");
    World { desk: Arc::new(desk), clock, otto, _folder: folder }
}

impl World {
    fn advance(&self, by: SignedDuration) {
        self.clock.0.fetch_add(by.as_secs(), Ordering::Relaxed);
    }

    async fn execute(&self, ticket: Option<&str>, command: Command) -> vorgang_core::Snapshot {
        let request = Request { actor: &self.otto, ticket, command, cause: "test", at: None };
        self.desk.execute(request).await.expect("it is accepted").after
    }

    async fn fired(&self, number: &str) -> usize {
        let history = self.desk.history_view(&self.otto, number).await.expect("the history");
        history.iter().flat_map(|r| &r.events).filter(|e| matches!(e, Event::TimerFired { .. })).count()
    }
}

async fn fire(desk: &Arc<Desk>) -> usize {
    fire_due(desk, &mut Waiting::default()).await.expect("timers fire")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_ticket_reopens_at_its_very_second_and_once() {
    let w = world("pending").await;
    let new = NewTicket { title: "Later".into(), ticket_type: "case".into(), queue: "desk".into(), ..NewTicket::default() };
    let number = w.execute(None, Command::CreateTicket(new)).await.ticket.number.clone();
    let values = BTreeMap::from([("state".to_owned(), json!("asleep")), ("pending".to_owned(), json!("2h"))]);
    w.execute(Some(&number), Command::PatchTicket { values, seen: None, expected: None, blobs: vec![] }).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn after_three_days_of_standing_still_what_was_missed_is_not_made_up_for() {
    let w = world("missed").await;
    let number = w.execute(None, Command::StartProcess { process: "clocks".into(), form: Form::default() }).await.ticket.number.clone();
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
    let w = world("recount").await;
    let number = w.execute(None, Command::StartProcess { process: "clocks".into(), form: Form::default() }).await.ticket.number.clone();
    let due = async || {
        let stored = w.desk.store.ticket_load(&number).await.expect("a read").expect("the ticket").snapshot;
        stored.timers.iter().find(|t| t.calendar.is_some()).map(|t| t.due.to_string())
    };
    assert_eq!(due().await.as_deref(), Some("2026-03-03T09:00:00Z"));
    let text = SITE
        .replace("hours: { mon-fri: [\"09:00-17:00\"] }", "hours: { mon-fri: [\"09:00-17:00\"] }, holidays: { once: [\"2026-03-03\"] }");
    w.desk.apply(&[SiteFile { path: "site.yaml".into(), text }], "test").await.expect("applied");
    let running = tokio::spawn(vorgang_runtime::timers::run(w.desk.clone()));
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
