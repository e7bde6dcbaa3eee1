//! Work that is given to one of many, by a real desk: in turn, and to whoever has least to do.

mod common;

use common::world::{World, world};
use std::collections::BTreeMap;
use vorgang_core::Command;
use vorgang_core::command::Form;
use vorgang_core::people::{Person, PersonKind};
use vorgang_runtime::Request;

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
    let command = Command::StartProcess { process: process.into(), form: Form::default() };
    let after = w.execute(None, command).await;
    let by = after.open_work().next().and_then(|i| i.claimed_by.clone()).expect("somebody has it");
    (by, after.ticket.number.clone())
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
        let command = Command::SubmitDialog { work, form: Form::default() };
        w.desk.execute(Request { actor: &bob, ticket: Some(number), command, cause: "test", at: None }).await.expect("it is done");
    }
    assert_eq!((start(&w, "least").await.0, start(&w, "least").await.0), ("bob".into(), "bob".into()));
}
