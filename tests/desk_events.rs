//! What happens to people and definitions, and to mail: handlers make tickets of it, once.

mod common;

use common::world::{World, world};
use serde_json::json;
use vorgang_core::filter::Filter;
use vorgang_core::people::{Person, PersonKind};
use vorgang_definitions::site::SiteFile;
use vorgang_runtime::audit;
use vorgang_runtime::desk_events::handle;
use vorgang_runtime::revisions::Applied;
use vorgang_store::Sort;

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: en, zone: Europe/Berlin, title: Desk, settings: { limit: 3 } }
- { kind: State, name: new, type: new }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: admin, admin: true, queues: { desk: [rw] } }
- { kind: Role, name: clerk, queues: { desk: [rw] } }
- { kind: Field, name: who, type: text }
- { kind: Field, name: share, type: integer }
- { kind: TicketType, name: case, fields: [who, share], states: new }
- kind: Handler
  name: welcome
  on: person.created
  when: event.kind == "agent" && event.person != "otto"
  do:
    - { create: { type: case, queue: desk, title: "Desk for {{event.title}}", set: { who: "= event.person" }, article: "{{event.email}}" } }
    - { create: { type: case, queue: desk, title: Keys }, when: event.company == "" }
- { kind: Handler, name: goodbye, on: person.changed, when: "!event.active", do: [ { create: { type: case, queue: desk, title: "{{event.person}} has left", set: { share: "= 6 % (site.settings.limit - 3)" } } } ] }
- { kind: Handler, name: applied, on: definitions.applied, when: event.revision > 1, do: [ { create: { type: case, queue: desk, title: "Revision {{event.revision}} by {{event.by}}" } } ] }
"#;

fn nina() -> Person {
    Person {
        login: "nina".into(),
        name: "Nina".into(),
        email: "nina@example.org".into(),
        kind: PersonKind::Agent,
        company: None,
        language: "en".into(),
        roles: vec!["clerk".into()],
        active: true,
        settings: Default::default(),
    }
}

async fn titles(w: &World) -> Vec<String> {
    let page = w.desk.store.ticket_list(&Filter::All, &Filter::All, Sort::OldestFirst, 100, None).await.expect("a list");
    page.items.into_iter().map(|t| t.title).collect()
}

async fn save(w: &World, person: Person) -> usize {
    w.desk.people_save(&[person]).await.expect("saved");
    handle(&w.desk).await.expect("it is handled")
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_make_tickets_of_what_happens_to_people_and_definitions() {
    let w = world("desk-events", SITE).await;
    handle(&w.desk).await.expect("otto");
    assert_eq!(titles(&w).await, Vec::<String>::new());
    assert_eq!(save(&w, nina()).await, 1);
    assert_eq!(titles(&w).await, ["Desk for Nina", "Keys"]);
    assert_eq!(handle(&w.desk).await.expect("nothing"), 0, "once");
    // The same again is no change; another role is one.
    assert_eq!(save(&w, nina()).await, 0);
    assert_eq!(save(&w, Person { roles: vec!["admin".into(), "clerk".into()], ..nina() }).await, 1);
    assert_eq!(titles(&w).await.len(), 2);
    let text = SITE.replace("limit: 3", "limit: 5");
    let applied = w.desk.apply(&[SiteFile { path: "site.yaml".into(), text }], "otto").await.expect("applied");
    assert!(matches!(applied, Applied::New(2)));
    handle(&w.desk).await.expect("it is handled");
    assert_eq!(titles(&w).await[2..], ["Revision 2 by otto"]);
    let first = w.desk.store.ticket_list(&Filter::All, &Filter::All, Sort::OldestFirst, 1, None).await.expect("a list").items.remove(0);
    let stored = w.stored(&first.number).await;
    assert_eq!(stored.ticket.fields["who"], json!("nina"));
    let history = w.desk.history_view(&w.otto, &first.number).await.expect("the history");
    assert_eq!((history[0].actor.as_str(), history[0].cause.as_str()), ("system", "event person.created"));
    assert_eq!(audit::verify(&*w.desk.store).await.expect("a report").findings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_handler_cannot_do_waits_and_is_tried_again() {
    let w = world("desk-events-fail", SITE).await;
    save(&w, nina()).await;
    save(&w, Person { active: false, ..nina() }).await;
    assert_eq!(titles(&w).await.len(), 2, "nothing is made of what failed");
    let failed = w.desk.store.desk_events(true, 10).await.expect("rows");
    let why = failed[0].error.clone().expect("a reason");
    assert!(why.contains("6 % (site.settings.limit - 3)") && why.contains("site.settings.limit = 3"), "{why}");
    let text = SITE.replace("limit: 3", "limit: 5");
    w.desk.apply(&[SiteFile { path: "site.yaml".into(), text }], "otto").await.expect("applied");
    w.desk.store.desk_event_mark(failed[0].id, None).await.expect("again");
    handle(&w.desk).await.expect("it is handled");
    assert_eq!(titles(&w).await[2..], ["nina has left", "Revision 2 by otto"]);
}

/// Each new person gives the next clerk a turn: a turn that an event of the desk takes is kept, as any other.
#[tokio::test(flavor = "multi_thread")]
async fn turns_that_events_of_the_desk_take_are_kept() {
    let site = format!(
        "{SITE}- {{ kind: Handler, name: begin, on: ticket.created, do: [ {{ start: setup }} ] }}\n{}",
        r#"
- kind: Process
  name: setup
  starts: [ { by: agent, at: work } ]
  ticket: { type: case, queue: desk, state: new, priority: normal }
  activities:
    work: { assign: { for: { role: clerk }, pick: round_robin }, dialogs: { do: {} }, next: over }
    over: { end: over }
"#
    );
    let w = world("desk-events-turns", &site).await;
    handle(&w.desk).await.expect("otto");
    let clerk =
        |login: &str| Person { login: login.into(), email: format!("{login}@example.org"), company: Some("works".into()), ..nina() };
    for login in ["ada", "ben", "cleo"] {
        assert_eq!(save(&w, clerk(login)).await, 1);
    }
    let tickets = w.desk.store.ticket_list(&Filter::All, &Filter::All, Sort::OldestFirst, 100, None).await.expect("a list").items;
    let mut holders = vec![];
    for ticket in tickets {
        let stored = w.stored(&ticket.number).await;
        holders.extend(stored.open_work().next().and_then(|work| work.claimed_by.clone()));
    }
    // The first clerk is alone; each further one is known when the turn is taken.
    assert_eq!(holders, ["ada", "ben", "cleo"]);
}
