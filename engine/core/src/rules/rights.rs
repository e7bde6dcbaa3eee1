//! The one place that decides what a person may see and do. Pages, API, lists, counts and mail all ask here.

use crate::rules::filter::Filter;
use crate::rules::rejection::{Rejection, RightReason};
use crate::state::people::{Person, PersonKind};
use crate::state::snapshot::{Snapshot, Ticket};
use vorgang_definitions::kinds::role::Right;
use vorgang_definitions::kinds::state::StateType;
use vorgang_definitions::names::Names;

/// Does some role of this person give the right in the queue?
pub fn in_queue(names: &Names, person: &Person, queue: &str, right: Right) -> bool {
    person.active && person.kind == PersonKind::Agent && rights_in(names, person, queue).any(|given| gives(given, right))
}

fn rights_in<'a>(names: &'a Names, person: &'a Person, queue: &'a str) -> impl Iterator<Item = Right> + 'a {
    person.roles.iter().filter_map(|r| names.roles.get(r)).filter_map(move |r| r.queues.get(queue)).flat_map(|l| l.iter().copied())
}

/// `rw` gives everything, and everything but `create` and `move_into` lets read.
fn gives(given: Right, wanted: Right) -> bool {
    given == wanted || given == Right::Rw || (wanted == Right::Ro && !matches!(given, Right::Create | Right::MoveInto))
}

pub fn is_admin(names: &Names, person: &Person) -> bool {
    person.active && person.kind == PersonKind::Agent && person.roles.iter().filter_map(|r| names.roles.get(r)).any(|r| r.admin)
}

/// The keys under which work items find this person.
pub fn audience_keys(names: &Names, person: &Person) -> Vec<String> {
    let mut keys = vec![format!("user:{}", person.login), "anyone".to_owned()];
    keys.extend(person.roles.iter().map(|r| format!("role:{r}")));
    keys.extend(person.settings.skills.iter().filter(|_| person.kind == PersonKind::Agent).map(|s| format!("skill:{s}")));
    let queues = names.queues.iter().filter(|q| in_queue(names, person, &q.name, Right::Ro));
    keys.extend(queues.map(|q| format!("queue:{}", q.name)));
    keys
}

/// The tickets that this person may know of.
pub fn visible(names: &Names, person: &Person) -> Filter {
    if !person.active {
        return Filter::None;
    }
    let removed: Vec<String> = names.states.iter().filter(|s| s.state_type == StateType::Removed).map(|s| s.name.to_string()).collect();
    let here = match person.kind {
        PersonKind::System => return Filter::All,
        PersonKind::Customer => {
            let own = Filter::CustomerUser(person.login.clone());
            let company = person.company.clone().map_or(Filter::None, Filter::Customer);
            Filter::or(vec![own, company, Filter::Audience(vec![format!("user:{}", person.login)])])
        }
        PersonKind::Agent => {
            let queues: Vec<String> = readable_queues(names, person);
            // The keys of queues are left out: who may read the queue sees its tickets anyway.
            let keys = audience_keys(names, person).into_iter().filter(|k| !k.starts_with("queue:") && k != "anyone").collect();
            let read = if queues.is_empty() { Filter::None } else { Filter::Queue(queues) };
            Filter::or(vec![read, Filter::Audience(keys)])
        }
    };
    if removed.is_empty() || is_admin(names, person) { here } else { here.and(Filter::Not(Box::new(Filter::State(removed)))) }
}

pub fn readable_queues(names: &Names, person: &Person) -> Vec<String> {
    names.queues.iter().filter(|q| in_queue(names, person, &q.name, Right::Ro)).map(|q| q.name.to_string()).collect()
}

/// How much of a ticket a person sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// It does not exist for this person.
    Nothing,
    /// The customer's side: visible articles, public activities.
    Customer,
    /// What a dialog's `for` grants: header, its `show` fields, articles that customers see.
    Work,
    Agent,
}

/// Decides the same as [`visible`], for one loaded ticket.
pub fn sight(names: &Names, person: &Person, snapshot: &Snapshot) -> Sight {
    let ticket = &snapshot.ticket;
    // What was begun on a ticket ends there, removed or not.
    if person.kind == PersonKind::System {
        return Sight::Agent;
    }
    if !person.active || (names.state_type(&ticket.state) == StateType::Removed && !is_admin(names, person)) {
        return Sight::Nothing;
    }
    match person.kind {
        PersonKind::System => Sight::Agent,
        PersonKind::Customer => {
            let own = ticket.customer_user.as_ref() == Some(&person.login);
            let company = person.company.is_some() && ticket.customer == person.company;
            if own || company || has_work(names, person, snapshot) { Sight::Customer } else { Sight::Nothing }
        }
        PersonKind::Agent if in_queue(names, person, &ticket.queue, Right::Ro) => Sight::Agent,
        PersonKind::Agent if has_work(names, person, snapshot) => Sight::Work,
        PersonKind::Agent => Sight::Nothing,
    }
}

fn has_work(names: &Names, person: &Person, snapshot: &Snapshot) -> bool {
    let keys = match person.kind {
        PersonKind::Customer => vec![format!("user:{}", person.login)],
        _ => audience_keys(names, person).into_iter().filter(|k| k != "anyone").collect(),
    };
    snapshot.open_work().any(|w| w.audience.iter().any(|k| keys.contains(k)))
}

/// The right in the ticket's queue, or why not.
pub fn require(names: &Names, person: &Person, ticket: &Ticket, right: Right) -> Result<(), Rejection> {
    require_in(names, person, &ticket.queue, right)
}

pub fn require_in(names: &Names, person: &Person, queue: &str, right: Right) -> Result<(), Rejection> {
    if person.kind == PersonKind::System || in_queue(names, person, queue, right) {
        return Ok(());
    }
    Err(Rejection::Right(RightReason::Queue { right: right.word(), queue: queue.to_owned() }))
}

/// The right that changing this attribute or field by hand wants.
pub fn right_for(name: &str) -> Right {
    match name {
        "owner" | "responsible" | "lock" => Right::Owner,
        "priority" => Right::Priority,
        _ => Right::Rw,
    }
}
