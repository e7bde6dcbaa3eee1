//! `cargo bench --bench rules`: what rules cost. Names after `--` choose: acls, handlers.

use std::collections::BTreeMap;
use std::time::Instant;
use vorgang_core::command::Context;
use vorgang_core::decide::decide;
use vorgang_core::people::{Directory, Person, PersonKind};
use vorgang_core::{Command, Snapshot};
use vorgang_definitions::model::{Model, SiteFile, load};

/// The server's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 5;

const SITE: &str = r#"
- { kind: Site, name: bench, language: 1, languages: en, zone: UTC, title: Bench }
- { kind: State, name: new, type: new }
- { kind: State, name: open, type: open }
- { kind: State, name: closed, type: closed }
- { kind: Priority, name: normal, level: 3 }
- { kind: Priority, name: high, level: 4 }
- { kind: Role, name: agent, queues: { q0: [rw] } }
- { kind: Field, name: count, type: integer }
- { kind: TicketType, name: case, fields: [count], states: [new, open, closed] }
"#;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    if is_wanted("acls") {
        acls();
    }
    if is_wanted("handlers") {
        handlers();
    }
}

/// The median of the rounds, with the slowest and the fastest.
fn rounds(mut round: impl FnMut() -> f64) -> String {
    let mut all: Vec<f64> = (0..ROUNDS).map(|_| round()).collect();
    all.sort_by(f64::total_cmp);
    format!("{:.1} us (runs {:.1} to {:.1})", all[ROUNDS / 2], all[0], all[ROUNDS - 1])
}

fn model(more: &str) -> Model {
    let queues: String = (0..10).map(|i| format!("- {{ kind: Queue, name: q{i} }}\n")).collect();
    let loaded = load(&[SiteFile { path: "bench.yaml".into(), text: format!("{SITE}{queues}{more}") }], &[]);
    loaded.model.unwrap_or_else(|| panic!("{}", vorgang_definitions::diagnostic::render_human(&loaded.sources, &loaded.diagnostics, false)))
}

/// A ticket in the first queue, and how long one command on it takes, in microseconds.
fn time(model: &Model, command: &Command, events: usize) -> String {
    let agent = Person {
        login: "agent".into(),
        name: "Agent".into(),
        email: String::new(),
        kind: PersonKind::Agent,
        company: None,
        language: "en".into(),
        roles: vec!["agent".into()],
        active: true,
        settings: Default::default(),
    };
    let people = Directory::new([agent.clone()]);
    let ctx =
        Context { now: jiff::Timestamp::now(), actor: &agent, people: &people, new_ticket: Some((1, "1".into())), changed_since: None };
    let new = vorgang_core::command::NewTicket { title: "x".into(), ticket_type: "case".into(), queue: "q0".into(), ..Default::default() };
    let ticket: Snapshot = decide(model, None, &Command::CreateTicket(new), &ctx).expect("a ticket").after.compact();
    let done = decide(model, Some(&ticket), command, &ctx).expect("a decision");
    assert_eq!(done.events.len(), events, "{:?}", done.events);
    rounds(|| {
        let begin = Instant::now();
        for _ in 0..5_000 {
            std::hint::black_box(decide(model, Some(&ticket), command, &ctx).expect("a decision"));
        }
        begin.elapsed().as_secs_f64() / 5_000.0 * 1e6
    })
}

fn patch(name: &str, value: &str) -> Command {
    let values = BTreeMap::from([(name.to_owned(), value.into())]);
    Command::PatchTicket { values, seen: None, expected: None, blobs: vec![] }
}

fn acls() {
    let change = patch("state", "open");
    println!("a change of state without an ACL: {}", time(&model(""), &change, 1));
    // The last part keeps each of them from denying, and all of it is evaluated.
    let acl = |i: usize, first: &str| {
        format!(
            "- {{ kind: Acl, name: a{i}, for: agent, when: '{first} && ticket.priority >= 3 && !has(ticket.fields.count)', deny: {{ state: [closed], priority: '= value > 3' }} }}\n"
        )
    };
    let ten: String = (0..100).map(|i| acl(i, &format!("ticket.queue == \"q{}\"", i % 10))).collect();
    println!("with 100 ACLs of which the index leaves ten: {} (reach < 50)", time(&model(&ten), &change, 1));
    let all: String = (0..100).map(|i| acl(i, &format!("ticket.title != \"t{i}\""))).collect();
    println!("with 100 ACLs that are all evaluated, and hold: {} (reach < 300)", time(&model(&all), &change, 1));
}

fn handlers() {
    let change = patch("state", "open");
    let one = |i: usize| {
        format!(
            "- {{ kind: Handler, name: h{i}, on: ticket.state_changed, when: 'ticket.priority >= 3 && event.new == \"open\" && ticket.title != \"t{i}\"', do: [ {{ set: {{ count: {i} }} }} ] }}\n"
        )
    };
    println!("a change of state without a handler: {}", time(&model(""), &change, 1));
    let all: String = (0..200).map(one).collect();
    println!("with 200 handlers that all run and set a field: {} (reach < 1000)", time(&model(&all), &change, 201));
    let none: String = (0..200).map(|i| one(i).replace("!= \"t", "== \"t")).collect();
    println!("with 200 handlers whose conditions do not hold: {}", time(&model(&none), &change, 1));
}
