//! Work that is given to one of many, by a real desk: in turn, and to whoever has least to do.

mod common;

use common::world::{World, world};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;
use vorgang_core::commands::{Command, Form, PatchTicket, StartProcess, SubmitDialog};
use vorgang_core::event::{Event, TurnTaken};
use vorgang_core::people::{Person, PersonKind};
use vorgang_core::rejection::Rejection;
use vorgang_runtime::{Error, Request};

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: en, zone: Europe/Berlin, title: Desk }
- { kind: State, name: new, type: new }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: admin, admin: true, queues: { desk: [rw] } }
- { kind: Role, name: engineer, queues: { desk: [rw] } }
- { kind: TicketType, name: case, states: new }
- kind: Process
  name: turn
  starts: [ { by: agent, at: begin } ]
  ticket: { type: case, queue: desk, state: new, priority: normal }
  activities:
    begin: { next: work }
    work: { assign: { for: { role: engineer }, pick: round_robin }, dialogs: { done: {} }, end: good }
- kind: Process
  name: three
  starts: [ { by: agent, at: begin } ]
  ticket: { type: case, queue: desk, state: new, priority: normal }
  activities:
    begin: { next: parts }
    parts: { for_each: { in: "= ['a', 'b', 'c']", as: part }, process: { name: turn, on: child }, end: good }
- kind: Process
  name: least
  starts: [ { by: agent, at: begin } ]
  ticket: { type: case, queue: desk, state: new, priority: normal }
  activities:
    begin: { next: work }
    work: { assign: { for: { skill: sap }, pick: shortest_queue }, dialogs: { done: {} }, end: good }
"#;

async fn engineers(w: &World) {
    let person = |login: &str| {
        let mut person = Person { login: login.into(), name: login.into(), roles: vec!["engineer".into()], ..w.otto.clone() };
        person.kind = PersonKind::Agent;
        person
    };
    w.desk.people_save(&["ada", "bob", "cid"].map(person)).await.expect("people");
    for login in ["ada", "bob"] {
        let mut settings = w.desk.people().get(login).expect("a person").settings.clone();
        settings.skills.insert("sap".into());
        w.desk.settings_save(login, &settings).await.expect("settings");
    }
}

/// Who was given the work of a new ticket, and its number.
async fn start(w: &World, process: &str) -> (String, String) {
    let command = Command::StartProcess(StartProcess { process: process.into(), form: Form::default() });
    let after = w.execute(None, command).await;
    let by = after.open_work().next().and_then(|i| i.claimed_by.clone()).expect("somebody has it");
    (by.to_string(), after.ticket.number.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_has_a_turn() {
    let w = world("picks-turn", SITE).await;
    engineers(&w).await;
    let mut given = vec![];
    for _ in 0..7 {
        given.push(start(&w, "turn").await.0);
    }
    assert_eq!(given, ["ada", "bob", "cid", "ada", "bob", "cid", "ada"]);
}

/// However many begin at once, nobody is left out and nobody has two turns.
#[tokio::test(flavor = "multi_thread")]
async fn turns_are_exact_when_many_begin_at_once() {
    let w = Arc::new(world("picks-at-once", SITE).await);
    engineers(&w).await;
    let mut all = JoinSet::new();
    for _ in 0..60 {
        let w = w.clone();
        all.spawn(async move { start(&w, "turn").await });
    }
    let given = all.join_all().await;
    let count = |login: &str| given.iter().filter(|(by, _)| by == login).count();
    assert_eq!((count("ada"), count("bob"), count("cid")), (20, 20, 20));
    // Each turn names the one before it: together they are one chain.
    let mut turns = vec![];
    for (_, number) in &given {
        let history = w.desk.history_view(&w.otto, number).await.expect("the history");
        turns.extend(history.into_iter().flat_map(|r| r.events).filter_map(|e| match e {
            Event::TurnTaken(TurnTaken { person, after, .. }) => Some((after, person)),
            _ => None,
        }));
    }
    assert_eq!(turns.iter().filter(|(after, _)| after.is_none()).count(), 1, "one was the first");
    // Numbers have no gaps: a command that waits for its turn keeps its number.
    let mut numbers: Vec<u64> = given.iter().map(|(_, n)| n.parse().expect("a number")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers.last().expect("one") - numbers[0], 59);
}

/// One command that makes several tickets gives each of them the next turn, and its children know of each other.
#[tokio::test(flavor = "multi_thread")]
async fn turns_within_one_command_follow_each_other() {
    let w = world("picks-children", SITE).await;
    engineers(&w).await;
    let command = Command::StartProcess(StartProcess { process: "three".into(), form: Form::default() });
    let done = w.desk.execute(Request { actor: &w.otto, ticket: None, command, cause: "test", at: None }).await.expect("it begins");
    let mut given = vec![];
    for number in &done.made {
        given.push(w.stored(number).await.open_work().next().and_then(|i| i.claimed_by.clone()).expect("somebody has it"));
    }
    assert_eq!(given, ["ada", "bob", "cid"]);
    assert_eq!(start(&w, "turn").await.0, "ada", "the next command goes on where this one ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_least_to_do_gets_it() {
    let w = world("picks-least", SITE).await;
    engineers(&w).await;
    let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for _ in 0..6 {
        let (by, number) = start(&w, "least").await;
        given.entry(by).or_default().push(number);
    }
    assert_eq!(given.iter().map(|(l, n)| (l.as_str(), n.len())).collect::<Vec<_>>(), [("ada", 3), ("bob", 3)]);
    // Two of bob's are done: the next two are his.
    let bob = w.desk.people().get("bob").expect("bob").as_ref().clone();
    for number in &given["bob"][..2] {
        let work = w.stored(number).await.open_work().next().expect("work").seq;
        let command = Command::SubmitDialog(SubmitDialog { work, form: Form::default() });
        w.desk.execute(Request { actor: &bob, ticket: Some(number), command, cause: "test", at: None }).await.expect("it is done");
    }
    assert_eq!((start(&w, "least").await.0, start(&w, "least").await.0), ("bob".into(), "bob".into()));
}

/// Many callers change one ticket, all from the version that they saw at the beginning: those who write a value that nobody else
/// writes get through, and of those who write the same one gets through.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_callers_of_one_ticket_make_progress() {
    const CALLERS: usize = 200;
    let fields: String = (0..CALLERS).map(|n| format!("- {{ kind: Field, name: f{n}, type: text }}\n")).collect();
    let used: Vec<String> = (0..CALLERS).map(|n| format!("f{n}")).collect();
    let site = SITE.replace("name: case, states: new }", &format!("name: case, states: new, fields: [{}] }}", used.join(", ")));
    let w = Arc::new(world("picks-hot", &format!("{site}{fields}")).await);
    let number = w.ticket("hot").await;
    let seen = w.stored(&number).await.version;
    let patch = |name: String, value: usize| {
        let (w, number) = (w.clone(), number.clone());
        async move {
            let values = [(name, value.to_string().into())].into();
            let command = Command::PatchTicket(PatchTicket { values, seen: Some(seen), expected: Some(seen), blobs: vec![] });
            w.desk.execute(Request { actor: &w.otto, ticket: Some(&number), command, cause: "test", at: None }).await
        }
    };
    let mut all = JoinSet::new();
    for n in 0..CALLERS {
        all.spawn(patch(format!("f{n}"), n));
    }
    let refused = all.join_all().await.into_iter().filter(Result::is_err).count();
    assert_eq!(refused, 0, "nobody wrote what another one writes");
    let after = w.stored(&number).await;
    assert_eq!((after.version, after.ticket.fields.len()), (seen + CALLERS as u64, CALLERS));
    // The same value: the first wins, all others are told that it changed.
    let mut all = JoinSet::new();
    for n in 0..CALLERS {
        all.spawn(patch("title".into(), n));
    }
    let results = all.join_all().await;
    let stale = |r: &Result<_, Error>| matches!(r, Err(Error::Rejected(Rejection::Stale)));
    assert_eq!((results.iter().filter(|r| r.is_ok()).count(), results.iter().filter(|r| stale(r)).count()), (1, CALLERS - 1));
}
