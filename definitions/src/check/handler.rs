//! Handlers: what they see of their event, and what they do.

use crate::actions::set::ATTRIBUTES;
use crate::actions::{self, Verb};
use crate::cel::env::Env;
use crate::cel::types::{Field, Ty};
use crate::check::action_list::{self, ActionPlace};
use crate::check::context::Cx;
use crate::check::env::{self, field};
use crate::check::place::{self, Relies};
use crate::check::{states, texts};
use crate::diagnostic::Diagnostic;
use crate::kinds::handler::{EventName, Handler};
use crate::kinds::process::Process;
use crate::name::Name;
use crate::names::Names;
use crate::phase::Written;
use crate::values::{self, Slot};

pub fn check(handler: &Handler<Written>, cx: &mut Cx) {
    texts::text(handler.title.as_ref(), cx);
    if handler.on.iter().any(EventName::of_desk) {
        return of_desk(handler, cx);
    }
    names(&handler.on, cx);
    let env = with_event(&env::with_ticket(cx.names, None), &handler.on, cx.names);
    place::condition(handler.when.as_ref(), &env, &mut Relies::new(), cx);
    if handler.actions.is_empty() {
        cx.push(Diagnostic::error("missing-key", handler.name.span, "a handler does something: it needs `do`"));
    }
    states::where_it_holds(handler.when.as_ref(), &handler.actions, &env, cx);
    let mut env = env;
    let proved = place::proved(handler.when.as_ref(), &env, cx);
    env.set.extend(proved);
    let mut place = ActionPlace { env, fields: None, ticket_type: None, states: None, data: None, waits: false };
    action_list::actions(&handler.actions, &mut place, &mut Relies::new(), cx);
}

/// What happens to the desk has no ticket: all that can be done is to make one.
fn of_desk(handler: &Handler<Written>, cx: &mut Cx) {
    for event in handler.on.iter().filter(|e| !e.of_desk()) {
        let d = Diagnostic::error(
            "without-ticket",
            event.span,
            format!("`{}` happens to a ticket, the others of `on` to the desk", event.text),
        );
        cx.push(d.help("write two handlers"));
    }
    let env = with_event(&env::of_site(cx.names), &handler.on, cx.names);
    place::condition(handler.when.as_ref(), &env, &mut Relies::new(), cx);
    if handler.actions.is_empty() {
        cx.push(Diagnostic::error("missing-key", handler.name.span, "a handler does something: it needs `do`"));
    }
    for action in actions::with_others(&handler.actions) {
        let linked = matches!(&action.verb, Verb::Create(create) if create.link.is_some());
        if linked || !matches!(action.verb, Verb::Create(_)) || action.on_error.is_some() {
            let what = if linked || action.on_error.is_some() { "to link or to go on with" } else { "that it could be done to" };
            let message = format!("`{}`: there is no ticket here {what}", action.verb.key());
            cx.push(
                Diagnostic::error("without-ticket", action.at, message)
                    .help("make one: `{ create: … }`; a handler on `ticket.created` does the rest"),
            );
            return;
        }
    }
    let mut place = ActionPlace { env, fields: None, ticket_type: None, states: None, data: None, waits: false };
    action_list::actions(&handler.actions, &mut place, &mut Relies::new(), cx);
}

/// Events of attributes and fields name what exists.
pub fn names(on: &[EventName], cx: &mut Cx) {
    for event in on.iter().filter(|e| e.message().is_some()) {
        let d = Diagnostic::error("unknown-name", event.span, "messages are known only inside a process that declares them");
        cx.push(d.help("write the handler in the process, under `handlers:`"));
    }
    changes(on, cx);
}

/// As [`names`], in a process.
pub fn names_in(on: &[EventName], process: &Process<Written>, cx: &mut Cx) {
    for (event, name) in on.iter().filter_map(|e| Some((e, e.message()?))) {
        if process.messages.get(name).is_none() {
            let d = Diagnostic::error("unknown-name", event.span, format!("the process declares no message `{name}`"));
            cx.push(d.suggest_or(name, process.messages.names(), event.span, cx.sources, "declare it under `messages:`"));
        }
    }
    changes(on, cx);
}

fn changes(on: &[EventName], cx: &mut Cx) {
    for event in on.iter().filter(|e| e.of_desk()) {
        let d = Diagnostic::error("without-ticket", event.span, format!("`{}` happens to the desk, not to a ticket", event.text));
        cx.push(d.help("a handler of the site can make a ticket of it"));
    }
    for event in on {
        let Some(changed) = event.changed() else { continue };
        if slot_of(cx.names, changed).is_none() {
            let known = ATTRIBUTES.iter().copied().filter(|a| *a != "pending").chain(cx.names.fields.iter().map(|f| f.name.as_str()));
            let d = Diagnostic::error("unknown-name", event.span, format!("tickets have no attribute or field `{changed}`"));
            if !cx.names.lost.contains(changed) {
                cx.push(d.suggest(changed, known, event.span, cx.sources));
            }
        }
    }
}

/// `pending` only writes another attribute: its change is that one's.
fn slot_of<'n>(names: &'n Names<Written>, name: &str) -> Option<Slot<'n>> {
    Slot::find(names, name).filter(|s| !matches!(s, Slot::Pending))
}

fn fields_of(event: &EventName, names: &Names<Written>) -> Vec<Field> {
    if let Some(slot) = event.changed().and_then(|n| slot_of(names, n)) {
        let ty = if matches!(slot, Slot::Priority) { Ty::Int } else { slot.ty(names) };
        let optional = match &slot {
            Slot::Field(f) => values::when_unset(f).is_none(),
            slot => !slot.always_set(),
        };
        return vec![field("old", ty.clone(), optional, "the value before"), field("new", ty, optional, "the value now")];
    }
    if let Some(shape) = event.message().and_then(|m| names.messages.get(m)) {
        return shape
            .iter()
            .filter(|(name, _)| *name != "name")
            .map(|(name, data)| field(name, data.ty(), false, "what the message carries"))
            .collect();
    }
    let text = |name: &str, optional: bool, doc: &str| field(name, Ty::Text, optional, doc);
    let exception = |more: Vec<Field>| {
        let mut fields = vec![text("process", false, "the process"), text("activity", false, "the activity")];
        fields.extend(more);
        fields
    };
    match &*event.text {
        "error" | "violated" => return exception(vec![text("kind", false, "of what kind"), text("message", false, "what it says")]),
        "deadline" => return vec![text("process", false, "the process"), text("activity", true, "the activity")],
        "nobody" => {
            return exception(vec![field("needed", Ty::Int, false, "how many"), field("found", Ty::Int, false, "how many there are")]);
        }
        _ => {}
    }
    match event.text.split_once('.').map_or("", |(noun, _)| noun) {
        "work" => {
            let mut fields = vec![text("process", false, "the process"), text("activity", false, "the activity")];
            if event.text != "work.entered" {
                fields.push(field("by", Ty::User, false, "who did it"));
            }
            if event.text == "work.completed" {
                fields.push(text("outcome", false, "with what it was completed"));
            }
            fields
        }
        "process" if event.text == "process.ended" => {
            vec![text("process", false, "the process"), text("outcome", false, "with what it ended")]
        }
        "process" => vec![text("process", false, "the process")],
        "program" if event.text == "program.answered" => vec![text("program", false, "its name"), text("output", false, "what it wrote")],
        "program" => vec![text("program", false, "its name"), text("message", false, "why")],
        "vote" => vec![
            text("activity", false, "the activity"),
            text("outcome", false, "approve or reject"),
            field("by", Ty::User, false, "who voted"),
        ],
        "timer" => vec![text("activity", true, "the activity")],
        "incident" if event.text == "incident.raised" => vec![text("kind", false, "of what kind"), text("message", false, "what it says")],
        "ticket" if event.text == "ticket.time_accounted" => {
            vec![
                field("minutes", Ty::Int, false, "how long; less than nothing where it was taken back"),
                field("by", Ty::User, false, "whose work"),
            ]
        }
        "ticket" if matches!(&*event.text, "ticket.merged" | "ticket.joined" | "ticket.children_closed") => {
            vec![text("number", false, "the other ticket's number")]
        }
        "link" => vec![
            text("number", false, "the other ticket's number"),
            field("kind", Ty::word("kind of link", ["child", "parent", "related"]), false, "what it is to this one"),
        ],
        "mail" if event.text == "mail.failed" => {
            vec![field("person", Ty::User, false, "for whom it was"), text("message", false, "why")]
        }
        "mail" if event.text == "mail.bounced" => vec![text("person", false, "the address"), text("message", false, "why")],
        "mail" => vec![field("person", Ty::User, false, "for whom it was")],
        "person" => vec![
            field("person", Ty::User, false, "the login"),
            text("title", false, "what others read"),
            text("email", false, "the address; empty where there is none"),
            text("company", false, "the company; empty where there is none"),
            field("kind", Ty::word("kind of person", ["customer", "agent", "system"]), false, "customer or agent"),
            field("active", Ty::Bool, false, "may sign in"),
        ],
        "definitions" => vec![field("revision", Ty::Int, false, "its number"), text("by", false, "who or what applied it")],
        "watcher" => vec![field("person", Ty::User, false, "who watches")],
        _ => vec![],
    }
}

/// `event` of a message.
pub fn with_message(env: &Env, name: &Name, names: &Names<Written>) -> Env {
    with_event(env, &[EventName { text: format!("message.{name}"), span: name.span }], names)
}

/// `event`, with what all the events have in common; `article`, where all are about one.
pub fn with_event(env: &Env, on: &[EventName], names: &Names<Written>) -> Env {
    let mut fields: Option<Vec<Field>> = None;
    for event in on {
        let own = fields_of(event, names);
        fields = Some(match fields {
            None => own,
            Some(all) => all.into_iter().filter(|f| own.iter().any(|o| o.name == f.name && o.ty == f.ty)).collect(),
        });
    }
    let mut fields = fields.unwrap_or_default();
    fields.push(field("name", Ty::Text, false, "the event's name"));
    let env = env.clone().with("event", Ty::object("event", fields));
    if on.iter().all(|e| e.text.starts_with("article.")) {
        let fields = vec![
            field("sender", Ty::word("sender", ["agent", "customer", "system"]), false, "whose side wrote it"),
            field("author", Ty::User, false, "who wrote it"),
            field("channel", Ty::word("channel", ["note", "web", "phone", "mail"]), false, "on which way"),
            field("visible", Ty::Bool, false, "whether customers see it"),
            field("subject", Ty::Text, false, "its first line"),
            field("body", Ty::Text, false, "its text"),
            field("address", Ty::Text, false, "of a mail: whom it is from; empty otherwise"),
            field("authenticated", Ty::Bool, false, "of a mail: the sender's domain stands for it"),
            field("auto", Ty::Bool, false, "of a mail: a machine wrote it"),
        ];
        return env.with("article", Ty::object("article", fields));
    }
    env
}
