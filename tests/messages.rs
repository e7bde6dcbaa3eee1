//! Messages to processes, as they are delivered: each instance once, whoever breaks off, and kept where nobody waits.

mod common;

use common::world::{World, world};
use jiff::SignedDuration;
use serde_json::{Value as Json, json};
use std::time::Duration;
use vorgang_core::commands::{Command, Form, StartProcess, SubmitDialog};
use vorgang_runtime::courier::{SendError, deliver};
use vorgang_runtime::{Desk, audit};

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: en, zone: Europe/Berlin, title: Desk }
- { kind: State, name: new, type: new }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: admin, admin: true, queues: { desk: [rw] } }
- { kind: Field, name: count, type: integer }
- { kind: Field, name: host, type: text }
- { kind: TicketType, name: case, fields: [{ field: count, default: 0 }, host], states: new }
- { kind: Handler, name: sends, on: ticket.title_changed, when: event.new == "send", do: [ { emit: alarm, with: { host: all, times: 1 } } ] }
- kind: Process
  name: watches
  starts: [ { by: agent, at: watch } ]
  ticket: { type: case, queue: desk, state: new, priority: normal }
  messages:
    alarm: { data: { host: text, times: integer }, match: 'event.host == "all" || event.host == default(ticket.fields.host, "")', keep: 1h }
    call: { data: { times: integer }, match: 6 % event.times == 0 }
  activities:
    watch: { handlers: [ { on: [message.alarm, message.call], do: [ { increment: { count: "= event.times" } } ] }, { on: ticket.title_changed, when: event.new == "away", next: away } ] }
    away: { dialogs: { form: { for: agent } }, next: [ { to: over, when: ticket.fields.count < 0 }, { to: watch, otherwise: true } ] }
    over: {}
"#;

async fn watching(w: &World) -> String {
    let start = Command::StartProcess(StartProcess { process: "watches".into(), form: Form::default() });
    w.execute(None, start).await.ticket.number.to_string()
}

async fn send(desk: &Desk, name: &str, data: Json, key: Option<&str>) -> Result<i64, SendError> {
    desk.message(name, data.as_object().expect("an object"), "otto", key).await
}

async fn alarm(w: &World, host: &str) {
    send(&w.desk, "alarm", json!({"host": host, "times": 1}), None).await.expect("it is taken");
}

async fn count(w: &World, number: &str) -> i64 {
    w.stored(number).await.ticket.fields["count"].as_i64().expect("a number")
}

async fn sound(w: &World) {
    assert_eq!(audit::verify(&*w.desk.store).await.expect("a report").findings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_instance_has_it_once_however_often_the_delivery_breaks_off() {
    let w = world("messages-once", SITE).await;
    let mut all = vec![];
    for _ in 0..300 {
        all.push(watching(&w).await);
    }
    alarm(&w, "all").await;
    w.patch(&all[0], &[("title", json!("send"))]).await;
    // It is broken off again and again, after longer and longer times.
    for millis in 1..40 {
        let desk = w.desk.clone();
        let task = tokio::spawn(async move { deliver(&desk, true).await.map_err(|e| e.to_string()) });
        tokio::time::sleep(Duration::from_millis(millis / 2)).await;
        task.abort();
        let _ = task.await;
    }
    // A command that was under way when it broke off may be in the way once more: then it comes again.
    for _ in 0..1_000 {
        deliver(&w.desk, true).await.expect("a delivery");
        let mut under_way = false;
        for id in 1..=2 {
            under_way |= w.desk.store.message_open(id).await.expect("a message").is_some_and(|m| m.looked.is_none());
        }
        if !under_way {
            break;
        }
    }
    for number in &all {
        assert_eq!(count(&w, number).await, 2, "{number}");
    }
    sound(&w).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_wants_waits_for_its_time() {
    let w = world("messages-wait", SITE).await;
    let one = watching(&w).await;
    w.patch(&one, &[("host", json!("web1"))]).await;
    alarm(&w, "web2").await;
    alarm(&w, "web1").await;
    deliver(&w.desk, true).await.expect("a delivery");
    assert_eq!(count(&w, &one).await, 1);
    // One that comes to match takes it; one that never does loses it after its hour.
    let two = watching(&w).await;
    deliver(&w.desk, true).await.expect("a delivery");
    assert_eq!(count(&w, &two).await, 0);
    w.advance(SignedDuration::from_mins(59));
    w.patch(&two, &[("host", json!("web2"))]).await;
    deliver(&w.desk, true).await.expect("a delivery");
    assert_eq!((count(&w, &one).await, count(&w, &two).await), (1, 1));
    alarm(&w, "web3").await;
    deliver(&w.desk, true).await.expect("a delivery");
    w.advance(SignedDuration::from_mins(61));
    w.patch(&two, &[("host", json!("web3"))]).await;
    deliver(&w.desk, true).await.expect("a delivery");
    assert_eq!(count(&w, &two).await, 1);
    // Kept by the instance, until a handler waits.
    w.patch(&two, &[("title", json!("away"))]).await;
    alarm(&w, "web3").await;
    deliver(&w.desk, true).await.expect("a delivery");
    let stored = w.stored(&two).await;
    assert_eq!((stored.kept.len(), stored.ticket.fields["count"].clone()), (1, json!(1)));
    let work = stored.open_work().next().expect("work").seq;
    w.execute(Some(&two), Command::SubmitDialog(SubmitDialog { work, form: Form::default() })).await;
    assert_eq!((w.stored(&two).await.kept.len(), count(&w, &two).await), (0, 2));
    sound(&w).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_is_an_incident_and_what_is_wrong_is_refused() {
    let w = world("messages-wrong", SITE).await;
    let number = watching(&w).await;
    let refused = async |name: &str, data: Json| send(&w.desk, name, data, None).await.expect_err("refused").to_string();
    assert_eq!(refused("alert", json!({})).await, "no process declares the message");
    for data in [json!({}), json!({"host": 1, "times": 1}), json!({"host": "a", "times": "1"}), json!({"host": "a", "times": 1, "more": 1})]
    {
        assert_eq!(refused("alarm", data).await, "it does not carry what it should");
    }
    send(&w.desk, "call", json!({"times": 0}), None).await.expect("it is taken");
    deliver(&w.desk, true).await.expect("a delivery");
    let incident = w.stored(&number).await.incidents[0].clone();
    assert_eq!((incident.kind.as_str(), incident.values["event.times"].as_str()), ("expression", "0"));
    // The same request twice is one message.
    let data = || json!({"times": 3});
    let first = send(&w.desk, "call", data(), Some("k")).await.expect("it is taken");
    assert_eq!(send(&w.desk, "call", data(), Some("k")).await.expect("again"), first);
    assert!(matches!(send(&w.desk, "call", json!({"times": 2}), Some("k")).await, Err(SendError::KeyReused)));
    deliver(&w.desk, true).await.expect("a delivery");
    assert_eq!(count(&w, &number).await, 3);
    sound(&w).await;
}
