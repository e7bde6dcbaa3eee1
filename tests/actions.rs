//! Tickets that actions make: part of the same commit, linked from both ends, and never without an end.

mod common;

use common::world::{World, world};
use serde_json::json;
use vorgang_core::commands::{Command, Form, StartProcess, SubmitDialog};
use vorgang_core::event::Event;
use vorgang_core::filter::Filter;
use vorgang_runtime::audit;
use vorgang_store::Sort;

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: en, zone: Europe/Berlin, title: Desk }
- { kind: State, name: new, type: new }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: admin, admin: true, queues: { desk: [rw] } }
- { kind: Field, name: other, type: text }
- { kind: Field, name: kind, type: text }
- { kind: TicketType, name: case, fields: [other, kind], states: new }
- { kind: TicketType, name: part, fields: [other], states: new }
- kind: Handler
  name: parts
  on: ticket.title_changed
  when: event.new == "parts"
  do:
    - { create: { type: part, queue: desk, title: "First of {{ticket.number}}", article: For you }, as: first }
    - { create: { type: part, queue: desk, title: Second, set: { other: "= first" }, link: child } }
    - { link: { to: "= first", type: related } }
- { kind: Handler, name: sees, on: link.added, do: [ { set: { other: "= event.number", kind: "= event.kind" } } ] }
- { kind: Handler, name: links, on: ticket.title_changed, when: event.new.startsWith("to "), do: [ { link: { to: "= default(ticket.fields.other, '')", type: parent } } ] }
- kind: Handler
  name: wrong
  on: ticket.title_changed
  when: event.new == "wrong"
  do: [ { create: { type: part, queue: desk, title: Left over } }, { link: { to: "4711" } } ]
- kind: Handler
  name: forever
  on: ticket.created
  when: ticket.title.startsWith("Again")
  do: [ { create: { type: case, queue: desk, title: "Again {{ticket.number}}" } } ]
- kind: Process
  name: stays
  starts: [ { by: agent, at: begin } ]
  ticket: { type: case, queue: desk, state: new, priority: normal }
  activities:
    begin: { next: ask }
    ask:
      dialogs: { form: { for: agent, outcomes: { save: Save, all: All }, do: [ { cancel: instance, when: ticket.title == "ends" } ] } }
      next: { save: [ { to: stay, do: [ { create: { type: part, queue: desk, title: Kept, link: child } } ] } ], all: done }
    done: { end: good }
"#;

async fn desk(name: &str) -> (World, String) {
    let w = world(name, SITE).await;
    let number = w.ticket("One").await;
    (w, number)
}

async fn all(w: &World) -> Vec<String> {
    let page = w.desk.store.ticket_list(&Filter::All, &Filter::All, Sort::OldestFirst, 100, None).await.expect("a list");
    page.items.into_iter().map(|t| t.title).collect()
}

async fn links(w: &World, number: &str) -> Vec<(String, String)> {
    let id = w.stored(number).await.ticket.id;
    let list = w.desk.store.links(&Filter::All, id).await.expect("links");
    list.into_iter().map(|(row, kind)| (row.title, kind)).collect()
}

fn pair(title: &str, kind: &str) -> (String, String) {
    (title.into(), kind.into())
}

async fn incidents(w: &World, number: &str) -> Vec<String> {
    let stored = w.stored(number).await;
    stored.incidents.iter().map(|i| i.message.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_are_made_linked_and_named() {
    let (w, number) = desk("made").await;
    let after = w.patch(&number, &[("title", json!("parts"))]).await;
    assert_eq!(all(&w).await, ["parts", &format!("First of {number}"), "Second"]);
    assert_eq!(links(&w, &number).await, [pair("Second", "child"), pair(&format!("First of {number}"), "related")]);
    let second = w.desk.store.ticket_list(&Filter::All, &Filter::All, Sort::NewestFirst, 1, None).await.expect("a list").items.remove(0);
    assert_eq!(links(&w, &second.number).await, [pair("parts", "parent")], "the same from the other end");
    let stored = w.stored(&second.number).await;
    let first = after.ticket.fields["other"].as_str().expect("the number of the last link").to_owned();
    assert_eq!(stored.ticket.fields["other"], json!(first), "named, and of one command");
    assert_eq!(after.ticket.fields["kind"], json!("related"), "handlers see links");
    let articles = w.desk.store.article_list(w.stored(&first).await.ticket.id).await;
    assert_eq!(articles.expect("articles").len(), 1);
    let history = w.desk.history_view(&w.otto, &number).await.expect("the history");
    let made = history.iter().flat_map(|r| &r.events).filter(|e| matches!(e, Event::TicketMade(_))).count();
    assert_eq!(made, 2);
    // Another ticket, by its number.
    let other = w.ticket("Two").await;
    w.patch(&other, &[("other", json!(number))]).await;
    w.patch(&other, &[("title", json!("to parts"))]).await;
    assert_eq!(links(&w, &other).await, [pair("parts", "parent")]);
    assert_eq!(audit::verify(&*w.desk.store).await.expect("a report").findings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_makes_nothing_and_what_has_no_end_is_stopped() {
    let (w, number) = desk("unmade").await;
    w.patch(&number, &[("title", json!("wrong"))]).await;
    assert_eq!(incidents(&w, &number).await, ["there is no ticket `4711`"]);
    assert_eq!(all(&w).await, ["wrong"], "what was made before the failure is gone with it");
    w.patch(&number, &[("other", json!(number))]).await;
    w.patch(&number, &[("title", json!("to itself"))]).await;
    assert!(incidents(&w, &number).await.contains(&"a ticket is not linked to itself".to_owned()));
    let begun = w.ticket("Again").await;
    let made = all(&w).await.iter().filter(|t| t.starts_with("Again")).count();
    assert_eq!(made, 9, "eight below the first");
    assert_eq!(incidents(&w, &begun).await, Vec::<String>::new());
    let last = w.desk.store.ticket_list(&Filter::All, &Filter::All, Sort::NewestFirst, 9, None).await.expect("a list");
    let mut stopped = vec![];
    for t in last.items {
        stopped.extend(incidents(&w, &t.number).await);
    }
    assert_eq!(stopped, ["more than 8 tickets would make each other"]);
    assert_eq!(audit::verify(&*w.desk.store).await.expect("a report").findings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_while_staying_is_kept_and_what_was_cancelled_does_not_go_on() {
    let w = world("stays", SITE).await;
    let start = Command::StartProcess(StartProcess { process: "stays".into(), form: Form::default() });
    let begun = w.execute(None, start).await;
    let number = begun.ticket.number.to_string();
    let work = begun.open_work().next().expect("work").seq;
    let submit = async |outcome: &str| {
        let form = Form { outcome: Some(outcome.into()), ..Form::default() };
        w.execute(Some(&number), Command::SubmitDialog(SubmitDialog { work, form })).await
    };
    assert_eq!(submit("save").await.open_work().count(), 1);
    assert_eq!(links(&w, &number).await, [pair("Kept", "child")]);
    w.patch(&number, &[("title", json!("ends"))]).await;
    let after = submit("all").await;
    assert_eq!((after.open_work().count(), after.instances[0].outcome.as_deref()), (0, Some("cancelled")));
    assert_eq!(audit::verify(&*w.desk.store).await.expect("a report").findings, Vec::<String>::new());
}
