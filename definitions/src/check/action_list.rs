//! Checks of actions at their place.

use crate::actions::complete::Completes;
use crate::actions::run::Run;
use crate::actions::set::Set;
use crate::actions::{Action, Verb};
use crate::cel::env::Env;
use crate::cel::types::Ty;
use crate::cel::value::Value;
use crate::check::context::Cx;
use crate::check::place::{self, Relies, compile, condition, number, proved, slot, type_stays, value, whos};
use crate::check::{leads, several};
use crate::diagnostic::Diagnostic;
use crate::kinds::field::FieldType;
use crate::kinds::message::Typed;
use crate::kinds::state::StateType;
use crate::kinds::ticket_type::TicketType;
use crate::load::Named;
use crate::name::Name;
use crate::phase::Written;
use crate::template::WrittenTemplate;
use crate::value_expr::{ValueExpr, WrittenLiteral};
use crate::values::Slot;
use crate::yaml;
use std::collections::BTreeSet;

/// What is sent has the shape that it was declared with.
pub fn emitted(name: &Name, action: &Action<Written>, env: &Env, relies: &mut Relies, cx: &mut Cx) {
    let names = cx.names;
    let Some(shape) = names.messages.get(name.as_str()) else {
        return cx.unknown("message", name, names.messages.keys().map(String::as_str));
    };
    for (key, given) in action.with.iter() {
        let Some(data) = shape.get(key.as_str()) else {
            let d = Diagnostic::error("unknown-key", key.span, format!("the message `{name}` carries no `{key}`"));
            cx.push(d.suggest(key, shape.keys().map(String::as_str), key.span, cx.sources));
            continue;
        };
        place::carried(key, *data, given, env, relies, cx);
    }
    for missing in shape.keys().filter(|k| action.with.get(k).is_none()) {
        cx.push(Diagnostic::error("missing-key", action.at, format!("the message `{name}` carries `{missing}`")).help("add it to `with`"));
    }
}

/// Where actions stand.
pub struct ActionPlace<'a> {
    pub env: Env,
    /// The fields of the ticket's type; `None` where the type is not known.
    pub fields: Option<&'a BTreeSet<String>>,
    /// The ticket's type, where it is known.
    pub ticket_type: Option<&'a str>,
    /// Values that the process declares.
    pub data: Option<&'a Named<Typed>>,
    /// States that the ticket's type allows.
    pub states: Option<&'a BTreeSet<String>>,
    /// What goes outside is waited for: in an activity's own `do`.
    pub waits: bool,
}

/// Checks actions in their order: each sees what the ones before it did.
pub fn actions(actions: &[Action<Written>], place: &mut ActionPlace, relies: &mut Relies, cx: &mut Cx) {
    let mut named: Vec<&str> = vec![];
    for action in actions {
        condition(action.when.as_ref(), &place.env, relies, cx);
        let always = action.when.is_none() && action.on_error.is_none();
        // Where it fails, nothing of it has happened.
        if let Some(others) = &action.on_error {
            let mut before = ActionPlace { env: place.env.clone(), waits: false, ..*place };
            self::actions(others, &mut before, relies, cx);
        }
        // Proved by its own condition, for itself only: nothing has to stay set for it.
        let proved = proved(action.when.as_ref(), &place.env, cx);
        let before = relies.clone();
        place.env.set.extend(proved.iter().cloned());
        match &action.verb {
            Verb::Set(set) => {
                for (name, given) in set.iter() {
                    if let Some(of) = place.data.and_then(|d| d.get(name)) {
                        several::data_value(name, of.0, given, &place.env, relies, cx);
                        remember(&format!("process.data.{name}"), given, always, &mut place.env);
                        continue;
                    }
                    let Some(slot) = slot(name, place.fields, cx) else { continue };
                    value(given, &slot, &place.env, relies, cx);
                    if let (Slot::State, ValueExpr::Literal(l)) = (slot, given) {
                        state(l, name, place, set, cx);
                    }
                    if place.env.activities.is_some() {
                        type_stays(&slot, name, cx);
                    }
                    remember(&slot.path(), given, always, &mut place.env);
                }
            }
            // A duration, as `pending` takes one.
            Verb::Account(ValueExpr::Literal(l)) => match Slot::Pending.literal(&l.node, cx.names) {
                Ok(Some(Value::Duration(d))) if d.days * DAY + d.seconds > DAY => {
                    cx.push(Diagnostic::error("out-of-range", l.node.span, format!("{d} is more than a day of work")));
                }
                Ok(Some(time)) => cx.convert(l, Some(time)),
                _ => cx.push(Diagnostic::error("wrong-type", l.node.span, "expected a time of work").help("write `{ account: 15m }`")),
            },
            Verb::Account(time) => value(time, &Slot::Pending, &place.env, relies, cx),
            Verb::Assign(assign) => {
                for (slot, given) in [(Slot::Owner, &assign.owner), (Slot::Responsible, &assign.responsible)] {
                    if let Some(given) = given {
                        value(given, &slot, &place.env, relies, cx);
                        remember(&slot.path(), given, always, &mut place.env);
                    }
                }
            }
            Verb::Cancel(name) if place.env.groups.contains(&name.to_string()) => {}
            Verb::Undo(name) if place.env.groups.contains(&name.to_string()) => {}
            Verb::Cancel(name) => activity(name, "cancel", &["instance"], place, cx),
            Verb::Undo(name) => activity(name, "undo", &["instance"], place, cx),
            Verb::Complete(Completes(complete)) => activity(&complete.activity, "complete", &[], place, cx),
            Verb::Create(create) => {
                let texts = [&create.title].into_iter().chain(&create.article);
                new_ticket(&create.ticket_type, &create.queue, texts, &create.values, place, relies, cx);
            }
            Verb::Split(split) => {
                new_ticket(&split.ticket_type, &split.queue, split.title.iter(), &split.values, place, relies, cx);
                if !place.env.roots.iter().any(|(name, _)| name == "article") {
                    let d = Diagnostic::error("unknown-name", action.at, "`split` is known only in handlers of messages");
                    cx.push(d.help("write it where `on: article.created` stands"));
                }
            }
            Verb::Run(run) => self::check_program(run, action, place, relies, cx),
            Verb::Emit(name) => emitted(name, action, &place.env, relies, cx),
            Verb::Merge(merge) => {
                ticket_number(&merge.into, place, relies, cx);
                let merged = |s: &String| cx.names.state_type(s) == StateType::Merged;
                if place.states.is_some_and(|all| !all.iter().any(merged)) {
                    let d = Diagnostic::error(
                        "life-cycle",
                        action.at,
                        "the life cycle of the ticket's type never leads to a state of the type `merged`",
                    );
                    cx.push(d.help("give the type such a state, and a transition to it"));
                }
            }
            Verb::Link(link) => ticket_number(&link.to, place, relies, cx),
            Verb::Increment(increment) => {
                for (name, given) in increment.iter() {
                    match slot(name, place.fields, cx) {
                        Some(slot @ Slot::Field(f)) if matches!(f.field_type, FieldType::Integer | FieldType::Decimal) => {
                            value(given, &slot, &place.env, relies, cx);
                            remember(&slot.path(), given, always, &mut place.env);
                        }
                        Some(_) => cx.push(Diagnostic::error("wrong-type", name.span, format!("`{name}` is no field of numbers"))),
                        None => {}
                    }
                }
            }
            Verb::Note(note) => {
                for template in note.subject.iter().chain([&note.body]) {
                    relies.extend(cx.compile_text(template, &place.env));
                }
            }
            Verb::Watch(who) | Verb::Unwatch(who) => whos(who, &place.env, relies, cx),
            Verb::Incident(template) => relies.extend(cx.compile_text(template, &place.env)),
            Verb::Notify(name) => match cx.names.notifications.get(name) {
                Some(notification) if notification.on.is_some() => {
                    let d = Diagnostic::error("sent-by-event", name.span, format!("`{name}` is sent on the events in its `on`"));
                    cx.push(d.help("leave out `on` there, or the action here"));
                }
                Some(_) => {}
                None => {
                    let known: Vec<_> = cx.names.notifications.iter().map(|n| n.name.as_str()).collect();
                    cx.unknown("notification", name, known);
                }
            },
            Verb::Reopen(name) => activity(name, "reopen", &[], place, cx),
            Verb::Start(name) => match cx.processes.get(name.as_str()) {
                Some(p) if place.ticket_type.is_some_and(|t| p.ticket.ticket_type != t) => {
                    let d = Diagnostic::error(
                        "other-type",
                        name.span,
                        format!("the process `{name}` is for tickets of type `{}`", p.ticket.ticket_type),
                    );
                    cx.push(d.help("a process is started on tickets of its own type"));
                }
                Some(_) => {}
                None => {
                    let known: Vec<_> = cx.names.process_names.iter().map(String::as_str).collect();
                    cx.unknown("process", name, known);
                }
            },
        }
        place.env.set.retain(|p| !proved.contains(p));
        relies.retain(|p| before.contains(p) || !proved.contains(p));
        if let Some(name) = action.name.as_ref().filter(|_| always) {
            place.env = place.env.clone().with(name, Ty::Text);
            named.push(name);
        }
        // What follows an answer is a command of its own.
        if place.waits && matches!(action.verb, Verb::Run(_)) {
            place.env.roots.retain(|(root, _)| !named.contains(&root.as_str()));
        }
    }
}

/// The name of an activity, or one of the words that stand for more.
fn activity(name: &Name, verb: &str, words: &[&str], place: &ActionPlace, cx: &mut Cx) {
    match &place.env.activities {
        Some(set) if words.contains(&name.as_str()) || set.words.contains(&name.to_string()) => {}
        Some(set) => {
            let set = set.clone();
            cx.unknown("activity", name, set.words.iter().map(String::as_str).chain(words.iter().copied()));
        }
        None => cx.push(Diagnostic::error("unknown-name", name.span, format!("`{verb}` is known only inside a process"))),
    }
}

/// Most time of work at once, in seconds.
const DAY: i64 = 24 * 3_600;

/// Longest time that a program may take.
const LIMIT_MAX: i64 = 600;

fn check_program(run: &Run<Written>, action: &Action<Written>, place: &ActionPlace, relies: &mut Relies, cx: &mut Cx) {
    for (name, given) in run.with.iter() {
        match given {
            ValueExpr::Expr(e) => {
                compile(e, &place.env, None, relies, cx);
            }
            ValueExpr::Literal(l) => match &l.node.value {
                yaml::Value::Text(t) => cx.convert(l, Some(Value::text(t.as_str()))),
                yaml::Value::Int(i) => cx.convert(l, Some(Value::Int(*i))),
                yaml::Value::Bool(b) => cx.convert(l, Some(Value::Bool(*b))),
                _ => {
                    let message = format!("`{name}`: expected a text, a whole number, true or false");
                    cx.push(Diagnostic::error("wrong-type", l.node.span, message).help("quote it, or write an expression: `\"= …\"`"));
                }
            },
        }
    }
    let own = |name: &Name| place.data.is_some_and(|d| d.get(name).is_some());
    for (field, _) in run.into.iter().flat_map(|i| &i.0).filter(|(name, _)| !own(name)) {
        match slot(field, place.fields, cx) {
            Some(Slot::Field(f)) if f.field_type != FieldType::File => {}
            Some(_) => {
                cx.push(Diagnostic::error("wrong-type", field.span, format!("`{field}` is no field that takes what a program writes")))
            }
            None => {}
        }
    }
    if let Some(limit) = run.limit.filter(|l| l.0.days > 0 || !(1..=LIMIT_MAX).contains(&l.0.seconds)) {
        let d = Diagnostic::error("out-of-range", action.at, format!("`limit` is {}: it may be ten minutes at most", limit.0));
        cx.push(d);
    }
    if action.on_error.is_some() && !place.waits {
        let d = Diagnostic::error("unknown-key", action.at, "here nothing waits for the program, so `on_error` could not follow");
        cx.push(d.help("run it in an activity's own `do`, or write a handler on `program.failed`"));
    }
}

fn ticket_number(given: &ValueExpr<Written>, place: &ActionPlace, relies: &mut Relies, cx: &mut Cx) {
    match given {
        ValueExpr::Literal(l) => number(l, cx),
        ValueExpr::Expr(e) => {
            compile(e, &place.env, Some(&Ty::Text), relies, cx);
        }
    }
}

/// A ticket that is made.
fn new_ticket<'t>(
    ticket_type: &Name,
    queue: &Name,
    texts: impl Iterator<Item = &'t WrittenTemplate>,
    values: &Set<Written>,
    place: &ActionPlace,
    relies: &mut Relies,
    cx: &mut Cx,
) {
    let names = cx.names;
    let known = names.types.get(ticket_type);
    if known.is_none() {
        cx.unknown("ticket type", ticket_type, names.types.iter().map(|t| t.name.as_str()));
    }
    if names.queues.get(queue).is_none() {
        cx.unknown("queue", queue, names.queues.iter().map(|q| q.name.as_str()));
    }
    for template in texts {
        relies.extend(cx.compile_text(template, &place.env));
    }
    let own: Option<BTreeSet<String>> = known.map(|t| t.fields.iter().map(|f| f.field.to_string()).collect());
    for (name, given) in values.iter() {
        match slot(name, own.as_ref(), cx) {
            Some(
                Slot::Title | Slot::Type | Slot::Queue | Slot::Owner | Slot::Responsible | Slot::Lock | Slot::PendingUntil | Slot::Pending,
            ) => {
                let d = Diagnostic::error("unknown-name", name.span, format!("`{name}` is not set while a ticket is made"));
                cx.push(d.help("`title` and `queue` stand beside `set`; a handler on `ticket.created` sets the rest"));
            }
            Some(slot) => value(given, &slot, &place.env, relies, cx),
            None => {}
        }
    }
}

fn remember(path: &str, given: &ValueExpr<Written>, always: bool, env: &mut Env) {
    if given.is_unset() {
        env.set.remove(path);
    } else if always {
        env.set.insert(path.to_owned());
    }
}

fn state(literal: &WrittenLiteral, name: &Name, place: &ActionPlace, set: &Set<Written>, cx: &mut Cx) {
    let yaml::Value::Text(state) = &literal.node.value else { return };
    let known = cx.names.states.get(state).is_some();
    let of_type = place.ticket_type.and_then(|t| cx.names.types.get(t));
    if let Some(states) = place.states.filter(|states| known && !states.contains(state)) {
        let is_listed = of_type.is_some_and(|t| t.has_state(state));
        // One that is listed and never reached is told at the type, unless tickets begin in it.
        if of_type.is_none_or(|t| !is_listed || cx.names.initial_states(t).any(|s| s == state)) {
            let d =
                Diagnostic::error("life-cycle", literal.node.span, format!("the life cycle of the ticket's type never leads to `{state}`"));
            let list = states.iter().map(|s| format!("`{s}`")).collect::<Vec<_>>().join(", ");
            cx.push(d.help(if is_listed {
                format!("it leads to {list}")
            } else {
                format!("add it to `states:` of the type; it leads to {list}")
            }));
        }
    } else if known && place.ticket_type.is_none() && !cx.names.types.iter().any(|t| can_become(t, state)) {
        let d = Diagnostic::error("life-cycle", literal.node.span, format!("no ticket type's life cycle leads to `{state}`"));
        cx.push(d.help("a ticket begins in such a state; add a transition that leads to it, or set another state"));
    }
    if cx.names.state_type(state).is_pending() && set.get("pending_until").is_none() && set.get("pending").is_none() {
        let d = Diagnostic::error("missing-key", name.span, format!("the pending state `{state}` needs `pending_until` or `pending`"));
        cx.push(d.help("for example `{ set: { state: …, pending: 24h } }`"));
    }
}

/// Some ticket of the type can be brought into the state.
fn can_become(ticket_type: &TicketType<Written>, state: &str) -> bool {
    match leads::leads_to(ticket_type) {
        Some(states) => states.contains(state),
        None => ticket_type.has_state(state),
    }
}
