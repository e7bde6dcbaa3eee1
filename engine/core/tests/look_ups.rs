//! `decide` asks for what it does not know, decides nothing meanwhile, and asks for all candidates at once.

use jiff::Timestamp;
use std::collections::BTreeMap;
use vorgang_core::commands::{Command, Form, NewTicket, PatchTicket, StartProcess};
use vorgang_core::context::Context;
use vorgang_core::decision::{Answer, Decision};
use vorgang_core::event::{Event, TurnTaken};
use vorgang_core::facts::{Fact, Facts, LookUp, LookUps};
use vorgang_core::ids::{Login, TicketId, TicketNumber};
use vorgang_core::people::{Directory, Person, PersonKind, Settings};
use vorgang_core::snapshot::Snapshot;
use vorgang_core::{Rejection, decide};
use vorgang_definitions::model::Model;
use vorgang_definitions::site::{SiteFile, load};

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: en, zone: UTC, title: Desk }
- { kind: State, name: new, type: new }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: clerk, queues: { desk: [rw] } }
- { kind: TicketType, name: case, states: new }
- { kind: Handler, name: link, on: ticket.title_changed, do: [ { link: { to: "100009" } } ] }
- kind: Handler
  name: pair
  on: ticket.created
  when: ticket.title == "two"
  do:
    - { create: { type: case, queue: desk, title: first } }
    - { create: { type: case, queue: desk, title: second } }
- kind: Process
  name: turns
  starts: [ { by: agent, at: begin } ]
  ticket: { type: case, queue: desk, state: new, priority: normal }
  activities:
    begin: { next: work }
    work: { assign: { for: { role: clerk }, pick: round_robin }, dialogs: { do: {} }, next: over }
    over: { end: over }
- kind: Process
  name: loads
  starts: [ { by: agent, at: begin } ]
  ticket: { type: case, queue: desk, state: new, priority: normal }
  activities:
    begin: { next: work }
    work: { assign: { for: { role: clerk }, pick: shortest_queue }, dialogs: { do: {} }, next: over }
    over: { end: over }
"#;

fn model() -> Model {
    let loaded = load(&[SiteFile { path: "site.yaml".into(), text: SITE.into() }], &[]);
    loaded.model.unwrap_or_else(|| panic!("{}", vorgang_definitions::diagnostic::render_human(&loaded.sources, &loaded.diagnostics, false)))
}

fn clerk(login: &str) -> Person {
    Person {
        login: login.into(),
        name: login.to_uppercase(),
        email: format!("{login}@example.org"),
        kind: PersonKind::Agent,
        company: None,
        language: "en".into(),
        roles: vec!["clerk".into()],
        active: true,
        settings: Settings::default(),
    }
}

/// Numbers for new tickets.
fn numbers(count: i64) -> Vec<(TicketId, TicketNumber)> {
    (2..2 + count).map(|id| (TicketId(id), format!("{}", 100_000 + id).into())).collect()
}

fn answer(facts: &Facts, snapshot: Option<&Snapshot>, command: &Command) -> Answer {
    let (model, ada) = (model(), clerk("ada"));
    let people = Directory::new([ada.clone(), clerk("ben")]);
    let new_ticket = command.creates().then(|| (TicketId(1), "100001".into()));
    decide(&model, snapshot, command, &Context { new_ticket, facts, ..Context::trial(Timestamp::UNIX_EPOCH, &ada, &people) })
}

fn needs(facts: &Facts, snapshot: Option<&Snapshot>, command: &Command) -> LookUps {
    answer(facts, snapshot, command).known().expect_err("it asks")
}

fn decided(facts: &Facts, snapshot: Option<&Snapshot>, command: &Command) -> Decision {
    answer(facts, snapshot, command).decided().expect("a decision")
}

fn start(process: &str) -> Command {
    Command::StartProcess(StartProcess { process: process.into(), form: Form::default() })
}

fn create(title: &str) -> Command {
    Command::CreateTicket(NewTicket { title: title.into(), ticket_type: "case".into(), queue: "desk".into(), ..NewTicket::default() })
}

#[test]
fn a_turn_is_looked_up_before_it_is_taken() {
    let (place, command) = ("turns.work".to_owned(), start("turns"));
    assert_eq!(needs(&Facts::default(), None, &command), LookUps::from([LookUp::Turn(place.clone())]));
    for (last, next) in [(None, "ada"), (Some("ada"), "ben"), (Some("ben"), "ada")] {
        let last = last.map(Login::from);
        let facts = Facts::new(vec![], BTreeMap::from([(LookUp::Turn(place.clone()), Fact::Turn(last.clone()))]));
        let events = decided(&facts, None, &command).events;
        let turn = Event::TurnTaken(TurnTaken { place: place.clone(), person: next.into(), after: last });
        assert!(events.contains(&turn), "{events:?}");
    }
}

#[test]
fn the_loads_of_all_candidates_are_looked_up_at_once() {
    let asked = LookUps::from([LookUp::Load("ada".into()), LookUp::Load("ben".into())]);
    assert_eq!(needs(&Facts::default(), None, &start("loads")), asked);
    let loads = BTreeMap::from([(LookUp::Load("ada".into()), Fact::Load(2)), (LookUp::Load("ben".into()), Fact::Load(1))]);
    let decision = decided(&Facts::new(vec![], loads), None, &start("loads"));
    assert_eq!(decision.after.open_work().next().and_then(|w| w.claimed_by.as_deref()), Some("ben"));
}

#[test]
fn a_ticket_that_does_not_exist_is_an_answer_and_one_that_is_not_known_a_question() {
    let before = decided(&Facts::default(), None, &create("one")).after.compact();
    let values = BTreeMap::from([("title".to_owned(), "another".into())]);
    let command = Command::PatchTicket(PatchTicket { values, seen: None, expected: None, blobs: vec![] });
    let asked = LookUp::Ticket("100009".into());
    assert_eq!(needs(&Facts::default(), Some(&before), &command), LookUps::from([asked.clone()]));
    let absent = decided(&Facts::new(vec![], BTreeMap::from([(asked, Fact::Ticket(None))])), Some(&before), &command);
    assert_eq!(absent.after.incidents.len(), 1, "the handler cannot link it");
}

#[test]
fn numbers_are_asked_for_as_they_are_taken() {
    let command = create("two");
    assert_eq!(needs(&Facts::default(), None, &command), LookUps::from([LookUp::Numbers(1)]));
    assert_eq!(needs(&Facts::new(numbers(1), BTreeMap::new()), None, &command), LookUps::from([LookUp::Numbers(2)]));
    let decision = decided(&Facts::new(numbers(2), BTreeMap::new()), None, &command);
    let made: Vec<&str> = decision.made.iter().map(|d| d.after.ticket.number.as_str()).collect();
    assert_eq!((made, decision.tickets_made()), (vec!["100002", "100003"], 2));
}

#[test]
fn a_version_that_was_seen_asks_for_the_changes_since() {
    let mut before = decided(&Facts::default(), None, &create("one")).after.compact();
    before.version = 7;
    let values = BTreeMap::from([("priority".to_owned(), "normal".into())]);
    let command = Command::PatchTicket(PatchTicket { values, seen: None, expected: Some(5), blobs: vec![] });
    let asked = LookUp::Changes { ticket: TicketId(1), after: 5 };
    assert_eq!(needs(&Facts::default(), Some(&before), &command), LookUps::from([asked.clone()]));
    let changed = |name: &str| {
        let changes = BTreeMap::from([(name.to_owned(), 6)]);
        Facts::new(vec![], BTreeMap::from([(asked.clone(), Fact::Changes(changes.into()))]))
    };
    assert!(matches!(answer(&changed("priority"), Some(&before), &command), Answer::Refused(Rejection::Stale)));
    assert!(matches!(answer(&changed("title"), Some(&before), &command), Answer::Decided(_)));
}
