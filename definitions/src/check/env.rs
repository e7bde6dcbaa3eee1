//! What expressions and templates see (language reference, "Names that expressions see").

use crate::cel::env::Env;
use crate::cel::types::{Field, Ty, WordSet};
use crate::data_types::{self, copy_data, data_ty};
use crate::kinds::field;
use crate::kinds::process::{Activity, Process, Way};
use crate::kinds::site::Setting;
use crate::kinds::state::StateType;
use crate::kinds::ticket_type::TicketType;
use crate::names::Names;
use crate::outcomes::{copy_outcomes, outcomes};
use crate::phase::Phase;
use crate::values::{field_ty, when_unset};
use std::sync::Arc;

pub(crate) fn field(name: &str, ty: Ty, optional: bool, doc: &str) -> Field {
    Field { name: name.into(), ty, optional, doc: doc.into() }
}

/// `actor` and `customer`. As a whole it is a login.
pub fn person<S: Phase>(names: &Names<S>) -> Ty {
    Ty::object(
        "person",
        vec![
            field("login", Ty::User, false, "the name to sign in with"),
            field("name", Ty::Text, false, "what others read"),
            field("email", Ty::Text, false, "the address; empty where there is none"),
            field("company", Ty::Text, false, "the company; empty where there is none"),
            field("kind", Ty::word("kind of person", ["customer", "agent", "system"]), false, "customer, agent or system"),
            field("roles", Ty::list(Ty::Word(names.role_set.clone())), false, "the roles of an agent"),
        ],
    )
}

/// `ticket`, with the fields of one type or of all.
pub fn ticket<S: Phase>(names: &Names<S>, ticket_type: Option<&TicketType<S>>, stored: bool) -> Ty {
    let own = |f: &field::Field| {
        field(&f.name, field_ty(f), stored || when_unset(f).is_none(), f.title.as_ref().map_or("", |t| t.get("en", "en")))
    };
    let fields: Vec<Field> = match ticket_type {
        Some(t) => t.fields.iter().filter_map(|f| names.fields.get(&f.field)).map(own).collect(),
        None => names.fields.iter().map(own).collect(),
    };
    let o = stored;
    Ty::object(
        "ticket",
        vec![
            field("number", Ty::Text, o, "the number that people see"),
            field("title", Ty::Text, o, "one line"),
            field("type", names.type_ty.clone(), o, "the ticket type"),
            field("queue", names.queue_ty.clone(), o, "the queue"),
            field("state", names.state_ty.clone(), o, "the state"),
            field("state_type", Ty::word("state type", StateType::WORDS.iter().copied()), o, "the type of the state"),
            field("priority", Ty::Int, o, "the level; higher is more urgent"),
            field("priority_name", Ty::word("priority", names.priorities.iter().map(|p| p.name.to_string())), o, "its name"),
            field("owner", Ty::User, true, "the agent who has it"),
            field("responsible", Ty::User, true, "the agent who answers for it"),
            field("lock", Ty::Bool, o, "whether its owner holds it: without an owner it is free"),
            field("accounted", Ty::Int, o, "minutes of work that were written down"),
            field("customer", Ty::Text, true, "the company"),
            field("customer_user", Ty::User, true, "the customer's login"),
            field("created", Ty::Timestamp, o, "when it was created"),
            field("updated", Ty::Timestamp, o, "when it was last changed"),
            field("pending_until", Ty::Timestamp, true, "until when it waits"),
            field("version", Ty::Int, o, "counts the changes"),
            field("fields", Ty::object("the ticket's fields", fields), false, "the fields of its type"),
        ],
    )
}

fn settings<S: Phase>(names: &Names<S>) -> Ty {
    let ty = |s: &Setting| match s {
        Setting::Text(_) => Ty::Text,
        Setting::Int(_) => Ty::Int,
        Setting::Bool(_) => Ty::Bool,
    };
    let settings = names.site.settings.iter().map(|(n, s)| field(n, ty(s), false, "a setting")).collect();
    Ty::object(
        "site",
        vec![
            field("name", Ty::Text, false, "the site's name"),
            field("title", Ty::Text, false, "what people read"),
            field(
                "settings",
                if names.site.is_stand_in() { Ty::Any } else { Ty::object("the settings", settings) },
                false,
                "the site's settings",
            ),
        ],
    )
}

/// The names that expressions may use everywhere.
fn of_names<S: Phase>(names: &Names<S>) -> Env {
    Env {
        roles: names.role_set.clone(),
        calendars: names.calendar_set.clone(),
        no_calendar: no_calendar(names),
        lost: names.lost.clone(),
        levels: Arc::new(names.priorities.iter().map(|p| (p.name.to_string(), p.level.value.0)).collect()),
        callables: names.callables.clone(),
        ..Env::default()
    }
}

/// The environment of a place without a ticket.
pub fn of_site<S: Phase>(names: &Names<S>) -> Env {
    let roots = vec![("site".into(), settings(names)), ("now".into(), Ty::Timestamp)];
    Env { roots, ..of_names(names) }
}

/// What counts in working time has to name its calendar (see [`Names::work_time`]).
fn no_calendar<S: Phase>(names: &Names<S>) -> bool {
    names.site.calendar.is_none() && names.calendar_set.words.len() != 1 && !names.site.is_stand_in()
}

/// The environment of a place that knows a ticket.
pub fn with_ticket<S: Phase>(names: &Names<S>, ticket_type: Option<&TicketType<S>>) -> Env {
    let mut env = of_names(names);
    env.roots = vec![
        ("site".into(), settings(names)),
        ("now".into(), Ty::Timestamp),
        ("actor".into(), person(names)),
        ("ticket".into(), ticket(names, ticket_type, false)),
        ("stored".into(), ticket(names, ticket_type, true)),
        ("customer".into(), person(names)),
    ];
    if let Some(t) = ticket_type {
        let states = WordSet { what: "state".into(), words: t.states.iter().map(ToString::to_string).collect() };
        env.narrowed.insert("ticket.state".into(), Arc::new(states));
        let proved = t.fields.iter().filter(|f| f.required || f.default.as_ref().is_some_and(|d| !d.is_unset()));
        env.set.extend(proved.map(|f| format!("ticket.fields.{}", f.field)));
    }
    env
}

/// The environment inside a process.
pub fn in_process<S: Phase>(names: &Names<S>, process: &Process<S>) -> Env {
    let mut env = with_ticket(names, names.types.get(&process.ticket.ticket_type));
    let step = |name: &str| {
        let mut words = outcomes(names, process, name);
        let activity = process.activities.get(name);
        let ways = activity.iter().flat_map(|a| a.ways()).filter_map(|(way, _)| match way {
            Way::Outcome(_) => None,
            Way::Timer(_) => Some("timer"),
            Way::Handler(_) => Some("event"),
        });
        let changes = activity.iter().flat_map(|a| a.on_change()).map(|_| "change");
        words.extend(ways.chain(changes).map(str::to_owned));
        words.sort();
        words.dedup();
        let outcome = Ty::word(&format!("outcome of `{name}`"), words);
        let fields = vec![
            field("outcome", outcome, false, "the last outcome"),
            field("by", Ty::User, false, "who completed it"),
            field("at", Ty::Timestamp, false, "when it was completed"),
        ];
        let copied = activity.and_then(|a| a.for_each.as_ref()).is_some();
        let items = copied.then(|| items_ty(names, process, name, Ty::Any));
        let items = items.map(|ty| field("items", ty, false, "what became of its copies"));
        let fields = fields.into_iter().chain(items).collect();
        field(name, Ty::object("step", fields), true, "the last completion")
    };
    let steps = process.activities.names().map(step).collect();
    let activities: Vec<String> = process.activities.names().map(str::to_owned).collect();
    env.roots.push(("steps".into(), Ty::object("the steps", steps)));
    let process_fields = vec![
        field("name", Ty::Text, false, "its name"),
        field("started", Ty::Timestamp, false, "when it was started"),
        field("started_by", Ty::User, false, "who started it"),
        field(
            "data",
            data_types::data_ty("values of the process", process.data.iter().map(|(n, of)| (n.to_string(), of.0))),
            false,
            "its own values",
        ),
    ];
    env.roots.push(("process".into(), Ty::object("process", process_fields)));
    env.activities = Some(Arc::new(WordSet { what: "activity".into(), words: activities }));
    env.groups = process.groups.names().map(str::to_owned).collect();
    env
}

/// Inside an activity there is a work item; a copy has values of its own.
pub fn in_activity<S: Phase>(env: &Env, activity: &Activity<S>) -> Env {
    let mut fields = vec![
        field("activity", Ty::Text, false, "the activity"),
        field("entered", Ty::Timestamp, false, "when it was entered"),
        field("round", Ty::Int, false, "how often it was entered again by `repeat`"),
    ];
    if activity.for_each.is_some() {
        fields.push(field(
            "data",
            data_types::data_ty("values of the copy", data_types::copy_data(activity).into_iter()),
            false,
            "the copy's own inputs",
        ));
    }
    env.clone().with("work", Ty::object("work item", fields))
}

/// `items`, of `done_when` and of `steps.NAME`.
pub fn items_ty<S: Phase>(names: &Names<S>, process: &Process<S>, activity: &str, element: Ty) -> Ty {
    let mut outcomes = copy_outcomes(names, process, activity);
    outcomes.push(String::new());
    let data = process.activities.get(activity).map(copy_data).unwrap_or_default();
    Ty::list(Ty::object(
        "copy",
        vec![
            field("item", element, false, "the element"),
            field(
                "outcome",
                Ty::word(&format!("outcome of a copy of `{activity}`"), outcomes),
                false,
                "its outcome; empty while it is open",
            ),
            field("by", Ty::User, false, "who did it; empty while it is open"),
            field("at", Ty::Timestamp, true, "when it was done"),
            field("data", data_ty("values of the copy", data.into_iter()), false, "its own inputs"),
            field("done", Ty::Bool, false, "whether it is done"),
        ],
    ))
}
