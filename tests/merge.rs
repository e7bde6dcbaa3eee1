//! Tickets that go into others and messages that become tickets: one commit over several tickets, whoever interferes.

mod common;

use common::world::{World, world};
use serde_json::json;
use vorgang_core::attachment::{Attachment, Blob};
use vorgang_core::commands::{AddArticle, ArticleInput, Command, LinkTicket, MergeTicket, SplitTicket};
use vorgang_core::filter::Filter;
use vorgang_core::ids::ArticleId;
use vorgang_runtime::{Request, audit, sha256};

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: en, zone: Europe/Berlin, title: Desk }
- { kind: State, name: new, type: new }
- { kind: State, name: gone, type: merged }
- { kind: State, name: done, type: closed }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: admin, admin: true, queues: { desk: [rw] } }
- { kind: Field, name: next, type: text }
- { kind: TicketType, name: case, fields: [next], states: [new, gone, done] }
# Whoever takes another in goes on into the next: a chain of tickets in one command.
- { kind: Handler, name: goes_on, on: ticket.joined, when: has(ticket.fields.next), do: [ { merge: { into: "= ticket.fields.next" } } ] }
- { kind: Handler, name: ends_with_its_parts, on: ticket.children_closed, do: [ { set: { state: done, next: "= event.number" } } ] }
"#;

async fn merge(w: &World, from: &str, into: &str) -> Result<(), vorgang_runtime::Error> {
    let command = Command::MergeTicket(MergeTicket { into: into.into() });
    w.desk.execute(Request { actor: &w.otto, ticket: Some(from), command, cause: "test", at: None }).await.map(|_| ())
}

async fn write(w: &World, number: &str, text: &str) {
    let bytes = text.as_bytes().to_vec();
    let hash = vorgang_core::chain::hex(&sha256(&bytes));
    let attachment = Attachment { name: "a.txt".into(), content_type: "text/plain".into(), size: bytes.len() as u64, blob: hash.clone() };
    let article = ArticleInput {
        body: text.into(),
        minutes: Some(5),
        attachments: vec![(attachment, Blob { hash, bytes: bytes.into() })],
        ..ArticleInput::default()
    };
    w.execute(Some(number), Command::AddArticle(AddArticle { article })).await;
}

/// (body, the ticket it was written on)
async fn articles(w: &World, number: &str) -> Vec<(String, Option<String>)> {
    let id = w.stored(number).await.ticket.id;
    let all = w.desk.store.article_list(id).await.expect("articles");
    assert!(all.iter().all(|a| a.attachments.len() == 1), "with their files");
    all.into_iter().map(|a| (a.body, a.origin.map(String::from))).collect()
}

async fn sound(w: &World) {
    assert_eq!(audit::verify(&*w.desk.store).await.expect("a report").findings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_mergers_is_one_commit() {
    let w = world("merge-chain", SITE).await;
    let (one, two, three) = (w.ticket("One").await, w.ticket("Two").await, w.ticket("Three").await);
    w.patch(&two, &[("next", json!(three))]).await;
    write(&w, &one, "first").await;
    write(&w, &two, "second").await;
    merge(&w, &one, &two).await.expect("merged");
    let from = |n: &String| Some(n.clone());
    assert_eq!(articles(&w, &three).await, [("second".into(), from(&two)), ("first".into(), from(&one))], "each says where it was written");
    assert_eq!(articles(&w, &one).await, [("first".into(), None)], "nothing is taken away");
    for number in [&one, &two] {
        let ticket = w.stored(number).await.ticket;
        assert_eq!((ticket.state.as_str(), ticket.accounted), ("gone", 0));
    }
    assert_eq!(w.stored(&three).await.ticket.accounted, 10);
    // The history of each says who did it; one that was changed by another one's command goes on in its own chain.
    let history = w.desk.history_view(&w.otto, &two).await.expect("the history");
    let (last, actor) = history.last().map(|r| (r.command.clone(), r.actor.clone())).expect("a row");
    assert_eq!((last.as_str(), actor.as_str()), ("take_in", "otto"));
    sound(&w).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circle_of_mergers_ends_with_an_incident() {
    let w = world("merge-circle", SITE).await;
    let (one, two) = (w.ticket("One").await, w.ticket("Two").await);
    w.patch(&two, &[("next", json!(one))]).await;
    merge(&w, &one, &two).await.expect("merged");
    assert_eq!(w.stored(&one).await.ticket.state, "gone");
    let left = w.stored(&two).await;
    assert_eq!(left.ticket.state, "new");
    assert_eq!(left.incidents[0].message, format!("the ticket `{one}` was merged itself, or removed"));
    sound(&w).await;
}

/// Many go into one that people write on at the same time: none is lost, none comes twice.
#[tokio::test(flavor = "multi_thread")]
async fn many_at_once() {
    let w = std::sync::Arc::new(world("merge-many", SITE).await);
    let target = w.ticket("Target").await;
    let mut others = vec![];
    for i in 0..12 {
        let number = w.ticket("Part").await;
        write(&w, &number, &format!("part {i}")).await;
        others.push(number);
    }
    let tasks: Vec<_> = others
        .iter()
        .map(|number| {
            let (w, number, target) = (w.clone(), number.clone(), target.clone());
            tokio::spawn(async move {
                merge(&w, &number, &target).await.expect("merged");
                write(&w, &target, "meanwhile").await;
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("it ends");
    }
    let mut found: Vec<String> = articles(&w, &target).await.into_iter().filter(|(_, o)| o.is_some()).map(|(b, _)| b).collect();
    found.sort();
    let mut wanted: Vec<String> = (0..12).map(|i| format!("part {i}")).collect();
    wanted.sort();
    assert_eq!(found, wanted);
    assert_eq!(w.stored(&target).await.ticket.accounted, 12 * 10);
    let id = w.stored(&target).await.ticket.id;
    assert_eq!(w.desk.store.links(&Filter::All, id).await.expect("links").len(), 12);
    sound(&w).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_becomes_a_ticket() {
    let w = world("split", SITE).await;
    let number = w.ticket("One").await;
    write(&w, &number, "and something else").await;
    let article = w.desk.store.article_list(w.stored(&number).await.ticket.id).await.expect("articles")[0].seq;
    let split = |article| Command::SplitTicket(SplitTicket { article, ticket_type: "case".into(), queue: "desk".into() });
    let request = |article| Request { actor: &w.otto, ticket: Some(&number), command: split(article), cause: "test", at: None };
    let done = w.desk.execute(request(article)).await.expect("a new ticket");
    let [new] = &done.made[..] else { panic!("one: {:?}", done.made) };
    assert_eq!(articles(&w, new).await, [("and something else".into(), Some(number.clone()))]);
    assert_eq!(w.stored(new).await.ticket.title, "One");
    assert_eq!(articles(&w, &number).await.len(), 1);
    assert!(w.desk.execute(request(ArticleId(4711))).await.is_err(), "there is no such message");
    sound(&w).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_child_that_is_closed_tells_its_parent() {
    let w = std::sync::Arc::new(world("children", SITE).await);
    let parent = w.ticket("Whole").await;
    let mut children = vec![];
    for _ in 0..6 {
        let child = w.ticket("Part").await;
        let command = Command::LinkTicket(LinkTicket {
            other: w.stored(&parent).await.ticket.id,
            number: parent.clone().into(),
            kind: vorgang_definitions::actions::link::LinkKind::Parent,
            linked: true,
        });
        w.execute(Some(&child), command).await;
        children.push(child);
    }
    // All at once: one of them is the last, whoever it is.
    let tasks: Vec<_> = children
        .iter()
        .cloned()
        .map(|child| {
            let w = w.clone();
            tokio::spawn(async move { w.patch(&child, &[("state", json!("done"))]).await })
        })
        .collect();
    for task in tasks {
        task.await.expect("it is closed");
    }
    let ticket = w.stored(&parent).await.ticket;
    assert_eq!(ticket.state, "done");
    assert!(children.iter().any(|c| ticket.fields["next"] == json!(c)));
    sound(&w).await;
}
