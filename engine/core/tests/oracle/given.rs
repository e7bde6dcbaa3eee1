//! Gives commands to a random net: one agent submits forms, the engine itself fires timers and delivers messages.

use crate::net;
use jiff::Timestamp;
use vorgang_core::commands::Command;
use vorgang_core::context::Context;
use vorgang_core::decide;
use vorgang_core::decision::Decision;
use vorgang_core::ids::TicketId;
use vorgang_core::people::{Directory, Person, PersonKind, Settings, system};
use vorgang_core::snapshot::{Snapshot, WorkItem};
use vorgang_definitions::model::Model;
use vorgang_definitions::site::{SiteFile, load_to_draw};

/// Noon of a day.
pub const NOW: Timestamp = Timestamp::constant(1_772_438_400, 0);

/// The net of this seed; `None` where it has faults that are no net's.
pub fn model(seed: u64) -> Option<Model> {
    load_to_draw(&[SiteFile { path: "net.yaml".into(), text: net::site(seed) }]).model
}

/// The only person: an agent.
pub fn people() -> Directory {
    let agent = Person {
        login: "agent".into(),
        name: "Agent".into(),
        email: "agent@example.org".into(),
        kind: PersonKind::Agent,
        company: None,
        language: "en".into(),
        roles: vec!["clerk".into()],
        active: true,
        settings: Settings::default(),
    };
    Directory::new([agent])
}

/// The decision; `None` where the command is refused.
pub fn decision(model: &Model, people: &Directory, snapshot: Option<&Snapshot>, command: &Command, now: Timestamp) -> Option<Decision> {
    let system = system();
    let person = match command {
        Command::FireTimer(_) | Command::ReceiveMessage(_) => &system,
        _ => people.get("agent")?,
    };
    let new_ticket = command.creates().then(|| (TicketId(1), "100001".into()));
    let ctx = Context { new_ticket, ..Context::trial(now, person, people) };
    decide(model, snapshot, command, &ctx).decided()
}

/// The outcomes that the forms of a work item offer; `None` for a form without any.
pub fn outcomes(model: &Model, snapshot: &Snapshot, item: &WorkItem) -> Vec<Option<String>> {
    let process = snapshot.instance(item.instance).and_then(|i| model.process_by_hash(&i.hash));
    let activity = process.and_then(|p| p.def.activities.get(&item.activity));
    let mut found = vec![];
    for (_, dialog) in activity.iter().flat_map(|a| a.dialogs.iter()) {
        let names: Vec<_> = dialog.outcomes.names().map(|n| Some(n.to_string())).collect();
        found.extend(if names.is_empty() { vec![None] } else { names });
    }
    found
}
