//! Jobs in the running desk: one run a tick, a ticket once in each, and what the filter finds is what the condition means.

mod common;

use common::world::{World, world};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use vorgang_core::commands::{Command, NewTicket, PatchTicket};
use vorgang_core::ids::TicketId;
use vorgang_core::people;
use vorgang_core::pushdown::pushdown;
use vorgang_core::scope::TicketScope;
use vorgang_core::snapshot::Snapshot;
use vorgang_definitions::cel::program::Program;
use vorgang_definitions::check::job::over_tickets;
use vorgang_runtime::audit;
use vorgang_runtime::jobs::{Runs, dry_run, go_on, start_now};
use vorgang_store::JobRun;

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: en, zone: Europe/Berlin, title: Desk, settings: { limit: 3 } }
- { kind: State, name: new, type: new }
- { kind: State, name: open, type: open }
- { kind: State, name: waiting, type: pending_reminder }
- { kind: State, name: closed, type: closed }
- { kind: Priority, name: low, level: 1 }
- { kind: Priority, name: normal, level: 3 }
- { kind: Priority, name: high, level: 5 }
- { kind: Queue, name: desk }
- { kind: Queue, name: vault }
- { kind: Role, name: clerk, queues: { desk: [rw], vault: [rw] } }
- { kind: Field, name: count, type: integer }
- { kind: Field, name: amount, type: decimal, scale: 2, indexed: true }
- { kind: Field, name: color, type: choice, options: { red: Red, blue: Blue } }
- { kind: Field, name: order, type: text, indexed: true }
- { kind: Field, name: flag, type: boolean }
- { kind: TicketType, name: case, fields: [ { field: count, default: 0 }, amount, color, order, flag ], states: [new, open, waiting, closed] }
- { kind: Job, name: hourly, at: "0 * * * *", where: ticket.state == "new", do: [ { set: { count: "= default(ticket.fields.count, 0) + 1" } } ] }
- { kind: Job, name: each, at: "0 * * * *", missed: all, where: ticket.state == "open", do: [ { set: { count: "= default(ticket.fields.count, 0) + 1" } } ] }
- { kind: Job, name: on_time, at: "0 * * * *", missed: skip, where: ticket.state == "waiting", do: [ { set: { count: "= default(ticket.fields.count, 0) + 1" } } ] }
- { kind: Job, name: by_hand, where: "ticket.fields.amount > 1.00", do: [ { set: { count: "= 10 / default(ticket.fields.count, 0)" } } ] }
"#;

async fn ticket(w: &World, state: &str, fields: &[(&str, Json)]) -> String {
    let fields = fields.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
    let new = NewTicket { title: "One".into(), ticket_type: "case".into(), queue: "desk".into(), fields, ..NewTicket::default() };
    let number = w.execute(None, Command::CreateTicket(new)).await.ticket.number.to_string();
    if state != "new" {
        patch(w, &number, &[("state", json!(state)), ("pending", json!("2d"))]).await;
    }
    number.to_string()
}

async fn patch(w: &World, number: &str, values: &[(&str, Json)]) {
    let waits = values.iter().any(|(_, v)| *v == json!("waiting"));
    let values: BTreeMap<String, Json> =
        values.iter().filter(|(n, _)| waits || *n != "pending").map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
    w.execute(Some(number), Command::PatchTicket(PatchTicket { values, seen: None, expected: None, blobs: vec![] })).await;
}

async fn count(w: &World, number: &str) -> i64 {
    let stored = w.desk.store.ticket_load(number).await.expect("a read").expect("the ticket");
    stored.snapshot.ticket.fields["count"].as_i64().expect("a number")
}

async fn runs(w: &World, job: &str) -> Vec<JobRun> {
    w.desk.store.job_runs(Some(job), false, 1_000).await.expect("runs")
}

/// Looks until nothing is due any more.
async fn look(w: &World, lane: &mut Runs) {
    for _ in 0..20 {
        lane.start_due(&w.desk).await.expect("looked");
        lane.settle().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_time_has_one_run_and_what_was_missed_goes_as_declared() {
    let w = world("jobs", SITE).await;
    let (new, open, waiting) = (ticket(&w, "new", &[]).await, ticket(&w, "open", &[]).await, ticket(&w, "waiting", &[]).await);
    let mut lane = Runs::default();
    look(&w, &mut lane).await;
    assert_eq!((count(&w, &new).await, runs(&w, "hourly").await.len()), (0, 0), "a new job begins with its next time");
    // 10:00 to 11:00:01, looked at by two nodes at once.
    w.advance(SignedDuration::from_secs(3_601));
    let mut other = Runs::default();
    let (a, b) = tokio::join!(lane.start_due(&w.desk), other.start_due(&w.desk));
    a.and(b).expect("looked");
    lane.settle().await;
    other.settle().await;
    look(&w, &mut lane).await;
    for (number, job) in [(&new, "hourly"), (&open, "each"), (&waiting, "on_time")] {
        assert_eq!((count(&w, number).await, runs(&w, job).await.len()), (1, 1), "{job}");
    }
    // Three hours and a half of standing still: 12:00, 13:00, 14:00 were missed.
    w.advance(SignedDuration::from_secs(3 * 3_600 + 1_800));
    let mut lane = Runs::default();
    look(&w, &mut lane).await;
    assert_eq!((count(&w, &new).await, runs(&w, "hourly").await[0].summary.missed), (2, 2), "one run stands for all");
    assert_eq!((count(&w, &open).await, runs(&w, "each").await.len()), (4, 4), "each has its run");
    assert_eq!((count(&w, &waiting).await, runs(&w, "on_time").await.len()), (1, 1), "they are left out");
    // A clock that goes back runs nothing twice.
    w.advance(SignedDuration::from_hours(-2));
    look(&w, &mut Runs::default()).await;
    assert_eq!((count(&w, &new).await, count(&w, &open).await), (2, 4));
    assert_eq!(audit::verify(&*w.desk.store).await.expect("a report").findings, Vec::<String>::new());
}

/// A clock that was ten days ahead for a while silences no schedule, and no time has two runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_there_and_back_silences_nothing() {
    let w = world("jumps", SITE).await;
    let (new, open) = (ticket(&w, "new", &[]).await, ticket(&w, "open", &[]).await);
    let mut lane = Runs::default();
    look(&w, &mut lane).await;
    w.advance(SignedDuration::from_hours(240));
    for _ in 0..13 {
        look(&w, &mut lane).await;
    }
    assert_eq!((count(&w, &new).await, count(&w, &open).await), (1, 240), "once for all, and each");
    w.advance(-SignedDuration::from_hours(240));
    let mut lane = Runs::default();
    look(&w, &mut lane).await;
    for hour in 1..=3 {
        w.advance(SignedDuration::from_hours(1));
        look(&w, &mut lane).await;
        assert_eq!(count(&w, &new).await, 1 + hour, "hour {hour}");
    }
    assert_eq!(count(&w, &open).await, 240, "these times had their run");
    let all = runs(&w, "each").await;
    let ticks: std::collections::BTreeSet<_> = all.iter().filter_map(|r| r.tick).collect();
    assert_eq!(ticks.len(), all.len());
    assert_eq!(w.desk.store.jobs_ahead(w.now() + SignedDuration::from_mins(1)).await, Ok(vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_cut_goes_on_and_does_each_ticket_once() {
    let w = world("cut", SITE).await;
    let mut numbers = vec![];
    for _ in 0..600 {
        numbers.push(ticket(&w, "new", &[]).await);
    }
    // Cut somewhere in the middle: a run that was through before it could be cut is followed by another one.
    let mut rounds = 0;
    loop {
        rounds += 1;
        assert!(rounds <= 20, "twenty runs were through before they could be cut");
        let run = start_now(&w.desk, "hourly", "otto").await.expect("a run").expect("the job");
        let (id, desk) = (run.id, w.desk.clone());
        let task = tokio::spawn(async move { go_on(&desk, run).await });
        // What is done stays done, so this ends whatever the run does meanwhile.
        while count(&w, &numbers[100]).await < rounds {
            tokio::task::yield_now().await;
        }
        task.abort();
        let _ = task.await;
        if w.desk.store.job_runs(None, true, 10).await.expect("runs").iter().any(|r| r.id == id) {
            break;
        }
    }
    look(&w, &mut Runs::default()).await;
    for number in &numbers {
        assert_eq!(count(&w, number).await, rounds, "{number}");
    }
    let run = &runs(&w, "hourly").await[0];
    assert_eq!((run.ended.is_some(), run.summary.done), (true, 600));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_judged_is_left_out_and_what_fails_has_an_incident() {
    let w = world("troubles", SITE).await;
    let good = ticket(&w, "new", &[("amount", json!("2.00")), ("count", json!(5))]).await;
    let zero = ticket(&w, "new", &[("amount", json!("2.00")), ("count", json!(0))]).await;
    let unset = ticket(&w, "new", &[("count", json!(5))]).await;
    let dry = dry_run(&w.desk, "by_hand", 10).await.expect("a run").expect("the job");
    assert!(dry.split.exact);
    assert_eq!(dry.tickets.iter().map(|t| &t.0).collect::<Vec<_>>(), [&good, &zero]);
    assert_eq!(count(&w, &good).await, 5, "nothing was done");
    let run = start_now(&w.desk, "by_hand", "otto").await.expect("a run").expect("the job");
    let run = go_on(&w.desk, run).await.expect("it runs");
    assert_eq!((run.summary.done, run.summary.failed), (1, 1));
    assert_eq!((count(&w, &good).await, count(&w, &unset).await), (2, 5));
    assert_eq!(run.summary.examples[0].0, zero);
    let stored = w.desk.store.ticket_load(&zero).await.expect("a read").expect("the ticket").snapshot;
    assert_eq!(stored.incidents[0].place.as_deref(), Some("job by_hand"));
    // A second run raises no second incident.
    let again = start_now(&w.desk, "by_hand", "otto").await.expect("a run").expect("the job");
    assert_eq!(go_on(&w.desk, again).await.expect("it runs").summary.failed, 1);
    let stored = w.desk.store.ticket_load(&zero).await.expect("a read").expect("the ticket").snapshot;
    assert_eq!(stored.incidents.len(), 1);
    assert!(start_now(&w.desk, "no_such", "otto").await.expect("a read").is_none());
}

/// Small conditions over everything that translates, and some that do not.
fn leaves() -> Vec<String> {
    let mut all: Vec<String> = vec![];
    for op in ["==", "!="] {
        for (path, words) in [
            ("state", &["new", "open", "closed"][..]),
            ("state_type", &["open", "pending_reminder"]),
            ("queue", &["desk", "vault"]),
            ("priority_name", &["high"]),
            ("owner", &["otto", "mia"]),
            ("customer_user", &["otto"]),
            ("fields.color", &["red", "blue"]),
            ("fields.order", &["A1", "a1", "Ä", ""]),
        ] {
            all.extend(words.iter().map(|w| format!("ticket.{path} {op} \"{w}\"")));
        }
    }
    for op in ["<", "<=", ">", ">=", "==", "!="] {
        all.push(format!("ticket.priority {op} 3"));
        all.push(format!("site.settings.limit {op} ticket.fields.count"));
        all.push(format!("ticket.fields.amount {op} 2.50"));
        all.push(format!("ticket.fields.amount {op} 2"));
        all.push(format!("ticket.pending_until {op} now + hours(48)"));
        all.push(format!("ticket.created {op} now - hours(1)"));
    }
    all.extend(
        [
            "ticket.state in [\"new\", \"waiting\"]",
            "ticket.priority in [1, 5]",
            "ticket.owner in [\"otto\"]",
            "ticket.fields.flag",
            "ticket.lock",
            "ticket.accounted > 3",
            "ticket.fields.order in [\"A1\", \"Ä\"]",
            "has(ticket.owner)",
            "has(ticket.pending_until)",
            "has(ticket.fields.color)",
            "has(ticket.fields.count)",
            "default(ticket.fields.amount, 0.00) > 1.00",
            "ticket.title.contains(\"n\")",
            "10 / ticket.fields.count > 2",
            "true",
        ]
        .map(str::to_owned),
    );
    all
}

fn condition(leaves: &[String], random: &mut u64, depth: usize) -> String {
    let mut next = |n: usize| {
        *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*random >> 33) as usize % n
    };
    match if depth == 0 { 0 } else { next(4) } {
        0 => leaves[next(leaves.len())].clone(),
        1 => format!("!({})", condition(leaves, random, depth - 1)),
        n => {
            let op = if n == 2 { "&&" } else { "||" };
            format!("({}) {op} ({})", condition(leaves, random, depth - 1), condition(leaves, random, depth - 1))
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filter_finds_every_ticket_that_the_condition_holds_for() {
    let w = world("pushdown", SITE).await;
    let mut snapshots: Vec<Snapshot> = vec![];
    for i in 0..48_u32 {
        let mut fields = vec![("count", json!(i % 5))];
        if i % 3 > 0 {
            fields.push(("amount", json!(["1.00", "2.00", "2.50", "3.10"][i as usize % 4])));
        }
        if i % 4 > 0 {
            fields.push(("color", json!(if i % 2 == 0 { "red" } else { "blue" })));
        }
        if i % 6 > 1 {
            fields.push(("order", json!(["A1", "a1", "Ä", "10"][i as usize % 4])));
        }
        if i % 5 > 1 {
            fields.push(("flag", json!(i % 2 == 0)));
        }
        let number = ticket(&w, ["new", "open", "waiting", "closed"][i as usize % 4], &fields).await;
        let mut values = vec![("priority", json!(["low", "normal", "high"][i as usize % 3]))];
        if i % 3 == 0 {
            values.push(("owner", json!("otto")));
        }
        if i % 6 == 0 {
            values.push(("lock", json!(i % 4 == 0)));
        }
        if i % 7 == 0 {
            values.push(("queue", json!("vault")));
        }
        patch(&w, &number, &values).await;
        w.advance(SignedDuration::from_mins(7));
        snapshots.push(w.desk.store.ticket_load(&number).await.expect("a read").expect("the ticket").snapshot);
    }
    let (model, people, now, system) = (w.desk.model(), w.desk.people(), w.desk.clock.now(), people::system());
    let (env, leaves) = (over_tickets(&model.names), leaves());
    let mut random = 7;
    let conditions = leaves.iter().cloned().chain((0..1_500).map(|_| condition(&leaves, &mut random, 3)));
    let (mut exact, mut conditions_tried) = (0, 0);
    for text in conditions {
        let program = Program::compile(&text, &env).unwrap_or_else(|f| panic!("{text}: {f:?}"));
        let split = pushdown(&text, &model.names, now);
        let found = w.desk.store.job_tickets(&split.filter, 0, 0, 1_000).await.expect("tickets");
        let found: BTreeSet<TicketId> = found.into_iter().map(|(id, _)| id).collect();
        let meant: BTreeSet<TicketId> =
            snapshots.iter().filter(|s| program.holds(&scope(s, &model, &people, now, &system)) == Ok(true)).map(|s| s.ticket.id).collect();
        assert!(meant.is_subset(&found), "{text}: {:?} are not found", meant.difference(&found).collect::<Vec<_>>());
        if split.exact {
            exact += 1;
            assert_eq!(found, meant, "{text} is said to be exact");
        }
        conditions_tried += 1;
    }
    assert!(exact > conditions_tried / 4, "{exact} of {conditions_tried} are exact");
}

fn scope<'a>(
    snapshot: &'a Snapshot,
    model: &'a vorgang_definitions::model::Model,
    people: &'a people::Directory,
    now: Timestamp,
    actor: &'a people::Person,
) -> TicketScope<'a> {
    TicketScope::for_person(&model.names, snapshot, actor, people, now)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_indexed_field_finds_its_tickets_as_long_as_it_is_indexed() {
    let w = world("indexed", SITE).await;
    for i in 0..20 {
        ticket(&w, "new", &[("order", json!(format!("A{i}"))), ("amount", json!(format!("{i}.00")))]).await;
    }
    let plan = async |text: &str| {
        let split = pushdown(text, &w.desk.model().names, w.now());
        assert_eq!(w.desk.store.job_tickets(&split.filter, 0, 0, 100).await.expect("tickets").len(), 1, "{text}");
        w.desk.store.job_plan(&split.filter).await.expect("a plan").1.join("; ")
    };
    let (order, amount) = (r#"ticket.fields.order == "A7""#, "ticket.fields.amount > 18.00");
    let found = plan(order).await;
    assert!(found.contains("own_field_order"), "{found}");
    assert!(plan(amount).await.contains("own_field_amount"));
    let text = SITE.replace(r#"type: text, indexed: true"#, "type: text");
    let files = [vorgang_definitions::site::SiteFile { path: "site.yaml".into(), text }];
    w.desk.apply(&files, "otto").await.expect("applied");
    assert!(!plan(order).await.contains("own_field"));
    assert!(plan(amount).await.contains("own_field_amount"));
}
