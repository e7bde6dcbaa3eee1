//! Mutexes of the whole site: one ticket at a time for each key, however many come at once, and nobody is forgotten.

mod common;

use common::world::{World, world};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use vorgang_core::commands::{ClaimWork, Command, Form, StartProcess, SubmitDialog};
use vorgang_core::open::Closed;
use vorgang_runtime::{Error, Request, audit};

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: en, zone: Europe/Berlin, title: Desk }
- { kind: State, name: new, type: new }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: admin, admin: true, queues: { desk: [rw] } }
- { kind: Field, name: host, type: text }
- { kind: TicketType, name: case, fields: [host], states: new }
- kind: Process
  name: on_host
  starts: [ { by: agent, at: begin } ]
  ticket: { type: case, queue: desk, state: new, priority: normal }
  groups: { change: { activities: [stop, install], mutex: { name: host, key: "= ticket.fields.host" } } }
  activities:
    begin: { dialogs: { ask: { for: agent, fields: [ { field: host, required: true } ] } }, next: stop }
    stop: { do: [ { note: Stopped } ], next: install }
    install: { dialogs: { done: { for: agent } }, end: good }
- kind: Process
  name: by_hand
  starts: [ { by: agent, at: begin } ]
  ticket: { type: case, queue: desk, state: new, priority: normal }
  activities:
    begin: { dialogs: { ask: { for: agent, fields: [ { field: host, required: true } ] } }, next: work }
    work: { mutex: { name: host, key: "= ticket.fields.host" }, dialogs: { done: { for: agent, claim: true } }, end: good }
"#;

async fn start(w: &World, process: &str, host: &str) -> Result<String, Error> {
    let form = Form { values: [("host".to_owned(), json!(host))].into(), ..Form::default() };
    let command = Command::StartProcess(StartProcess { process: process.into(), form });
    let done = w.desk.execute(Request { actor: &w.otto, ticket: None, command, cause: "test", at: None }).await?;
    Ok(done.after.ticket.number.to_string())
}

/// The open activity of each ticket.
async fn places(w: &World, numbers: &[String]) -> BTreeMap<String, String> {
    let mut places = BTreeMap::new();
    for number in numbers {
        if let Some(item) = w.stored(number).await.open_work().next() {
            places.insert(number.clone(), item.activity.clone());
        }
    }
    places
}

/// All of them at the same time.
async fn at_once<T: Send + 'static>(all: Vec<impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let tasks: Vec<_> = all.into_iter().map(tokio::spawn).collect();
    let mut results = vec![];
    for task in tasks {
        results.push(task.await.expect("a result"));
    }
    results
}

async fn submit(w: &World, number: &str) -> Result<(), Error> {
    loop {
        let Some(work) = w.stored(number).await.open_work().next().map(|i| i.seq) else { return Ok(()) };
        let command = Command::SubmitDialog(SubmitDialog { work, form: Form::default() });
        match w.desk.execute(Request { actor: &w.otto, ticket: Some(number), command, cause: "test", at: None }).await {
            Err(Error::Store(vorgang_store::StoreError::Conflict)) => continue,
            other => return other.map(|_| ()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_come_at_once_and_each_has_its_turn() {
    let w = Arc::new(world("mutex-many", SITE).await);
    // All at once, on three hosts.
    let one = |i: usize| {
        let w = w.clone();
        async move { start(&w, "on_host", ["a", "b", "c"][i % 3]).await.expect("it starts") }
    };
    let numbers = at_once((0..30).map(one).collect()).await;
    let hosts: BTreeMap<String, String> = {
        let mut hosts = BTreeMap::new();
        for number in &numbers {
            hosts.insert(number.clone(), w.stored(number).await.ticket.fields["host"].as_str().expect("a text").to_owned());
        }
        hosts
    };
    for _ in 0..10 {
        let places = places(&w, &numbers).await;
        let under_way: Vec<&String> = places.iter().filter(|(_, a)| *a == "install").map(|(n, _)| n).collect();
        let mut busy: Vec<&str> = under_way.iter().map(|n| hosts[*n].as_str()).collect();
        busy.sort_unstable();
        assert_eq!(busy, ["a", "b", "c"], "one for each host, and never none while some wait");
        let one = |number: &&String| {
            let (w, number) = (w.clone(), (*number).clone());
            async move { submit(&w, &number).await.expect("it is done") }
        };
        at_once(under_way.iter().map(one).collect()).await;
    }
    assert!(places(&w, &numbers).await.is_empty());
    assert_eq!(audit::verify(&*w.desk.store).await.expect("a report").findings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_who_claim_at_once_do_not_both_have_it() {
    let w = Arc::new(world("mutex-people", SITE).await);
    let mut numbers = vec![];
    for _ in 0..8 {
        numbers.push(start(&w, "by_hand", "a").await.expect("it starts"));
    }
    for _ in 0..8 {
        let open: Vec<String> = places(&w, &numbers).await.into_keys().collect();
        let one = |number: &String| {
            let (w, number) = (w.clone(), number.clone());
            async move {
                let work = w.stored(&number).await.open_work().next().expect("work").seq;
                let claim = Command::ClaimWork(ClaimWork { work });
                w.desk.execute(Request { actor: &w.otto, ticket: Some(&number), command: claim, cause: "test", at: None }).await
            }
        };
        let claims = at_once(open.iter().map(one).collect()).await;
        assert_eq!(claims.iter().filter(|c| c.is_ok()).count(), 1, "one of {}", open.len());
        let has_it = open[claims.iter().position(Result::is_ok).expect("one")].clone();
        // The others are told which ticket has it.
        for number in open.iter().filter(|n| **n != has_it) {
            let view = w.desk.ticket_view(&w.otto, number).await.expect("a view");
            let closed: Vec<_> = view.open.values().flatten().filter_map(|i| i.closed.clone()).collect();
            let site = Closed::Site { mutex: "host".into(), key: "a".into(), ticket: Some(has_it.clone().into()) };
            assert_eq!(closed, [site], "{number}");
        }
        submit(&w, &has_it).await.expect("it is done");
    }
    assert!(places(&w, &numbers).await.is_empty());
    assert_eq!(audit::verify(&*w.desk.store).await.expect("a report").findings, Vec::<String>::new());
}
