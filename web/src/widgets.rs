//! Parts of pages: tables of tickets, drawings, history lines.

use crate::layout::Page;
use crate::open_work;
use crate::texts::Texts;
use maud::{Markup, PreEscaped, html};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use vorgang_core::event::{
    ArticleAdded, AttributeSet, CallEnded, CallWanted, ChildClosed, ContentErased, DialogSubmitted, Event, FieldSet, IncidentRaised,
    InstanceEnded, InstanceStarted, LinkAdded, LinkRemoved, MailBounced, MailEnded, MailQueued, MessageEmitted, MessageKept,
    MessageReceived, NobodyFound, NotificationSent, ParticipantAdded, StepUndone, TicketCreated, TicketMade, TicketMerged, TimeAccounted,
    VoteCast, WatcherAdded, WatcherRemoved, WorkChanged, WorkEnded, WorkEntered, WorkSteered,
};
use vorgang_core::snapshot::{Instance, Snapshot, Step, WorkStatus};
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::diagram::{self, Mark};
use vorgang_definitions::display::{display, display_time};
use vorgang_definitions::kinds::field::{Field, FieldType};
use vorgang_definitions::kinds::process::Process;
use vorgang_definitions::kinds::state::StateType;
use vorgang_definitions::model::Model;
use vorgang_definitions::values::{Slot, from_stored};
use vorgang_runtime::view::TicketView;
use vorgang_store::TicketRow;

/// What the other ticket is to this one.
pub fn link_word<'t>(t: &'t Texts, kind: &str) -> &'t str {
    match kind {
        "child" => t.link_child,
        "parent" => t.link_parent,
        _ => t.link_related,
    }
}

/// The title of a state, queue, type or priority in the person's language.
pub fn word(model: &Model, kind: &str, name: &str, language: &str) -> String {
    let names = &model.names;
    let text = match kind {
        "state" => names.states.get(name).and_then(|s| s.title.as_ref()),
        "queue" => names.queues.get(name).and_then(|s| s.title.as_ref()),
        "type" => names.types.get(name).and_then(|s| s.title.as_ref()),
        _ => names.priorities.get(name).and_then(|s| s.title.as_ref()),
    };
    model.title(text, name, language).to_owned()
}

pub fn state_tag(model: &Model, state: &str, language: &str) -> Markup {
    let closed = model.names.state_type(state).is_final();
    html! { span.tag.closed[closed] { (word(model, "state", state, language)) } }
}

pub fn priority_tag(model: &Model, priority: &str, language: &str) -> Markup {
    let levels: Vec<i64> = model.names.priorities.iter().map(|p| p.level.value.0).collect();
    let middle = levels.iter().sum::<i64>() / levels.len().max(1) as i64;
    let high = model.names.priority_level(priority) > middle;
    let text = word(model, "priority", priority, language);
    if high {
        html! { span.tag.high { (text) } }
    } else {
        html! { (text) }
    }
}

pub fn person_name(page: &Page, login: &str) -> String {
    page.app.desk.people().get(login).map_or_else(|| login.to_owned(), |p| p.name.clone())
}

pub fn time(page: &Page, at: jiff::Timestamp) -> Markup {
    let text = display_time(at, page.language(), &page.model.names.site.zone.0);
    html! { time datetime=(at.to_string()) { (text) } }
}

/// To the second, for what is about to happen.
pub fn clock(page: &Page, at: jiff::Timestamp) -> Markup {
    let local = at.to_zoned(page.model.names.site.zone.0.clone());
    html! { time datetime=(at.to_string()) { (local.strftime("%H:%M:%S").to_string()) } }
}

/// A table of tickets.
pub fn tickets(page: &Page, label: &str, rows: &[TicketRow]) -> Markup {
    let (t, language) = (page.t, page.language());
    if rows.is_empty() {
        return html! { p.quiet { (t.nothing_here) } };
    }
    html! {
        div.table tabindex="0" role="region" aria-label=(label) {
            table {
                thead { tr {
                    th scope="col" { (t.ticket) } th scope="col" { (t.title) } th scope="col" { (t.state) }
                    @if page.is_agent() { th scope="col" { (t.queue) } th scope="col" { (t.priority) } th scope="col" { (t.owner) } th scope="col" { (t.customer) } }
                    th scope="col" { (t.updated) }
                } }
                tbody {
                    @for row in rows {
                        tr {
                            td.nowrap { a href=(page.ticket_url(&row.number)) data-enhance { (row.number) } }
                            td { (row.title) }
                            td { (state_tag(page.model, &row.state, language)) }
                            @if page.is_agent() {
                                td { (word(page.model, "queue", &row.queue, language)) }
                                td { (priority_tag(page.model, &row.priority, language)) }
                                td { @if let Some(o) = &row.owner { (person_name(page, o)) } }
                                td { @if let Some(c) = &row.customer_user { (person_name(page, c)) } }
                            }
                            td.nowrap { (time(page, row.updated)) }
                        }
                    }
                }
            }
        }
    }
}

/// What people call a field or attribute.
pub fn label(page: &Page, name: &str) -> String {
    let t = page.t;
    match name {
        "title" => t.title.into(),
        "queue" => t.queue.into(),
        "state" => t.state.into(),
        "priority" => t.priority.into(),
        "owner" => t.owner.into(),
        "responsible" => t.responsible.into(),
        "lock" => t.lock.into(),
        "minutes" => t.minutes.into(),
        "customer_user" => t.customer.into(),
        "pending_until" => t.pending_until.into(),
        "article" => t.message.into(),
        "link" => t.links.into(),
        "into" => t.merge_into.into(),
        "type" => t.ticket_type.into(),
        _ => match page.model.names.fields.get(name) {
            Some(f) => page.model.title(f.title.as_ref(), name, page.language()).to_owned(),
            None => name.to_owned(),
        },
    }
}

/// Minutes as hours and minutes.
pub fn duration(minutes: i64) -> String {
    format!("{}:{:02} h", minutes / 60, minutes % 60)
}

/// A stored value as people read it.
pub fn stored_value(page: &Page, name: &str, json: &Json) -> String {
    let language = page.language();
    let text = json.as_str().unwrap_or_default();
    match Slot::find(&page.model.names, name) {
        _ if json.is_null() => "–".into(),
        Some(Slot::Field(field)) => field_text(page.model, field, json, language, page),
        Some(Slot::State) => word(page.model, "state", text, language),
        Some(Slot::Type) => word(page.model, "type", text, language),
        Some(Slot::Queue) => word(page.model, "queue", text, language),
        Some(Slot::Priority) => word(page.model, "priority", text, language),
        Some(Slot::Owner | Slot::Responsible | Slot::CustomerUser) => person_name(page, text),
        Some(Slot::Lock) => display(&Value::Bool(json == &Json::Bool(true)), language, &page.model.names.site.zone.0),
        Some(Slot::PendingUntil) => {
            text.parse().map_or_else(|_| text.to_owned(), |t| display_time(t, language, &page.model.names.site.zone.0))
        }
        _ => text.to_owned(),
    }
}

fn field_text(model: &Model, field: &Field, json: &Json, language: &str, page: &Page) -> String {
    let site = model.names.site.main_language();
    let option = |name: &str| field.options.get(name).map_or_else(|| name.to_owned(), |t| t.get(language, site).to_owned());
    match from_stored(field, json) {
        None => "–".into(),
        Some(Value::Text(t)) if field.field_type == FieldType::Choice => option(&t),
        Some(Value::Text(t)) if field.field_type == FieldType::User => person_name(page, &t),
        Some(Value::List(l)) => l.iter().map(|v| option(&v.to_string())).collect::<Vec<_>>().join(", "),
        Some(Value::Map(m)) => m.get("name").map_or(String::new(), ToString::to_string),
        Some(value) => display(&value, language, &model.names.site.zone.0),
    }
}

/// How each activity of an instance stands.
pub fn marks(snapshot: &Snapshot, instance: &Instance, steps: &[Step], model: &Model) -> BTreeMap<String, Mark> {
    let mut marks: BTreeMap<String, Mark> = BTreeMap::new();
    for step in steps.iter().filter(|s| s.instance == instance.seq) {
        marks.insert(step.activity.clone(), Mark::Done);
    }
    let process = model.process_by_hash(&instance.hash);
    for item in snapshot.open_work().filter(|w| w.instance == instance.seq) {
        let mark = match item.status {
            WorkStatus::Failed => Mark::Failed,
            WorkStatus::Waiting => Mark::Next,
            _ => Mark::Current,
        };
        let old = marks.get(&item.activity).copied();
        if old != Some(Mark::Failed) && !(old == Some(Mark::Current) && mark == Mark::Next) {
            marks.insert(item.activity.clone(), mark);
        }
    }
    let current: Vec<String> = marks.iter().filter(|(_, m)| **m == Mark::Current).map(|(n, _)| n.clone()).collect();
    for name in current {
        let next = process.and_then(|p| p.def.activities.get(&name)).and_then(|a| a.next.as_ref());
        for target in next.iter().flat_map(|n| n.branches()).flat_map(|(_, b)| b.targets()).filter_map(|(_, t)| t.activity()) {
            marks.entry(target.to_string()).or_insert(Mark::Next);
        }
    }
    marks
}

/// The process drawn, and the same as a list.
pub fn process(page: &Page, view: &TicketView, instance: &Instance) -> Markup {
    let (snapshot, steps) = (&view.snapshot, &view.steps[..]);
    let open = view.open.get(&instance.seq).map_or(&[][..], Vec::as_slice);
    let Some(process) = page.model.process_by_hash(&instance.hash).or_else(|| page.model.processes.get(&instance.process)) else {
        return html! {};
    };
    let t = page.t;
    let marks = marks(snapshot, instance, steps, page.model);
    let graph = diagram::graph(page.model, &process.def, page.language(), &marks, !page.is_agent());
    let drawing = diagram::svg(&graph, false);
    html! {
        section.card aria-label=(t.where_it_stands) {
            h2 { (graph.title) " "
                @match &instance.outcome { Some(o) => span.tag.closed { (t.ended_with) ": " (end_title(page, &process.def, o)) }, None => span.tag { (t.running) } } }
            div.drawing tabindex="0" role="region" aria-label=(graph.title) { (PreEscaped(drawing)) }
            details.more open[!page.is_agent()] {
                summary { (t.as_list) }
                ol.steps {
                    @for i in diagram::order(&graph) {
                        @let node = &graph.nodes[i];
                        @let (class, text) = mark_text(node.mark, t);
                        li class=(class) aria-current=[(node.mark == Some(Mark::Current)).then_some("step")] {
                            strong { (node.title) } span.quiet { (text) }
                            (open_work::lines(page, &process.def, &node.name, open))
                            @if page.is_agent() {
                                @for edge in graph.edges.iter().filter(|e| e.from == i && !e.whole.is_empty()) {
                                    span.quiet { "→ " (graph.nodes[edge.to].title) ": " (edge.whole) }
                                }
                                @if let Some(s) = steps.iter().find(|s| s.instance == instance.seq && s.activity == node.name) {
                                    span.quiet { (outcome_text(page, &process.def, &s.activity, &s.outcome)) " · " (person_name(page, &s.by)) " · " (time(page, s.at)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn end_title(page: &Page, process: &Process, outcome: &str) -> String {
    let activity = process.activities.iter().find(|(_, a)| a.end.as_ref().is_some_and(|e| *e == outcome));
    activity.map_or_else(|| outcome.to_owned(), |(n, a)| page.model.title(a.title.as_ref(), n, page.language()).to_owned())
}

/// What people call an outcome, as the drawing does; empty where it has no name beside being done.
pub fn outcome_text(page: &Page, process: &Process, activity: &str, outcome: &str) -> String {
    let activity = process.activities.get(activity);
    match (activity.and_then(|a| diagram::outcome_title(page.model, a, outcome, page.language())), outcome) {
        (Some(title), _) => title,
        (None, "done" | "submit") => String::new(),
        (None, other) => other.to_owned(),
    }
}

fn mark_text(mark: Option<Mark>, t: &Texts) -> (&'static str, &'static str) {
    match mark {
        Some(Mark::Done) => ("done", t.mark_done),
        Some(Mark::Current) => ("current", t.mark_current),
        Some(Mark::Next) => ("next", t.mark_next),
        Some(Mark::Failed) => ("failed", t.mark_failed),
        None => ("open", ""),
    }
}

/// One line of the history.
pub fn event(page: &Page, event: &Event) -> Option<String> {
    let de = page.language().starts_with("de");
    let say = |en: String, german: String| Some(if de { german } else { en });
    match event {
        Event::TicketCreated(TicketCreated { ticket }) => {
            say(format!("Ticket created in {}", ticket.queue), format!("Ticket angelegt in {}", ticket.queue))
        }
        Event::AttributeSet(AttributeSet { name, old, new }) | Event::FieldSet(FieldSet { name, old, new }) => {
            Some(format!("{}: {} → {}", label(page, name), stored_value(page, name, old), stored_value(page, name, new)))
        }
        Event::ArticleAdded(ArticleAdded { article }) => {
            let kind = if article.visible {
                ""
            } else if de {
                " (intern)"
            } else {
                " (internal)"
            };
            let subject = if article.subject.is_empty() { String::new() } else { format!(": {}", article.subject) };
            say(format!("Message{kind}{subject}"), format!("Nachricht{kind}{subject}"))
        }
        Event::TimeAccounted(TimeAccounted { minutes, by, .. }) => {
            let by = person_name(page, by);
            say(format!("{minutes} minutes of work by {by}"), format!("{minutes} Minuten Arbeit von {by}"))
        }
        Event::InstanceStarted(InstanceStarted { instance }) => {
            say(format!("Process {} started", instance.process), format!("Prozess {} gestartet", instance.process))
        }
        Event::InstanceEnded(InstanceEnded { outcome, .. }) => {
            say(format!("Process ended: {outcome}"), format!("Prozess beendet: {outcome}"))
        }
        Event::WorkEntered(WorkEntered { item }) => {
            say(format!("Step {} begins", item.activity), format!("Schritt {} beginnt", item.activity))
        }
        Event::WorkChanged(WorkChanged { claimed_by: Some(by), status: WorkStatus::Started, .. }) => {
            say(format!("Work claimed by {}", person_name(page, by)), format!("Aufgabe übernommen von {}", person_name(page, by)))
        }
        Event::WorkChanged(_) | Event::WorkNoted(_) | Event::InstanceNoted(_) => None,
        Event::WorkEnded(WorkEnded { status: WorkStatus::Cancelled, .. }) => {
            say("A step was withdrawn".into(), "Ein Schritt wurde zurückgezogen".into())
        }
        Event::WorkEnded(WorkEnded { outcome: Some(o), .. }) if o != "done" => {
            say(format!("Step completed: {o}"), format!("Schritt abgeschlossen: {o}"))
        }
        Event::WorkEnded(_) => None,
        Event::DialogSubmitted(DialogSubmitted { dialog, outcome, .. }) => {
            say(format!("Form {dialog} submitted: {outcome}"), format!("Formular {dialog} abgesendet: {outcome}"))
        }
        Event::VoteCast(VoteCast { person, outcome, .. }) => {
            say(format!("Vote of {}: {outcome}", person_name(page, person)), format!("Stimme von {}: {outcome}", person_name(page, person)))
        }
        Event::TimerFired(_) => say("Its time has come".into(), "Die Zeit ist gekommen".into()),
        Event::TimerSet(_) | Event::TimerEnded(_) => None,
        Event::WatcherAdded(WatcherAdded { person, .. }) => {
            say(format!("{} watches", person_name(page, person)), format!("{} beobachtet", person_name(page, person)))
        }
        Event::WatcherRemoved(WatcherRemoved { person }) => {
            say(format!("{} no longer watches", person_name(page, person)), format!("{} beobachtet nicht mehr", person_name(page, person)))
        }
        Event::IncidentRaised(IncidentRaised { incident }) => {
            say(format!("Incident: {}", incident.message), format!("Störfall: {}", incident.message))
        }
        Event::IncidentResolved(_) => say("Incident retried".into(), "Störfall erneut versucht".into()),
        Event::NotificationSent(NotificationSent { notification }) => {
            let to = person_name(page, &notification.to);
            say(format!("Notification {} to {to}", notification.name), format!("Mitteilung {} an {to}", notification.name))
        }
        Event::TicketMade(TicketMade { number, .. }) => say(format!("Ticket {number} created"), format!("Ticket {number} angelegt")),
        Event::ChildClosed(ChildClosed { number, last: true }) => {
            say(format!("{number}, the last open part, was closed"), format!("{number}, der letzte offene Teil, wurde geschlossen"))
        }
        Event::ChildClosed(ChildClosed { number, .. }) => {
            say(format!("Part {number} was closed"), format!("Teil {number} wurde geschlossen"))
        }
        Event::TicketMerged(TicketMerged { number, into: true, .. }) => {
            say(format!("Merged into {number}"), format!("Zusammengefasst in {number}"))
        }
        Event::TicketMerged(TicketMerged { number, .. }) => say(format!("{number} merged into it"), format!("{number} hineingefasst")),
        Event::LinkAdded(LinkAdded { number, kind, .. }) => {
            let word = link_word(page.t, kind);
            say(format!("Linked: {number} ({word})"), format!("Verknüpft: {number} ({word})"))
        }
        Event::LinkRemoved(LinkRemoved { number, .. }) => {
            say(format!("No longer linked: {number}"), format!("Nicht mehr verknüpft: {number}"))
        }
        Event::MailEnded(MailEnded { to, message, .. }) => {
            let to = person_name(page, to);
            match message {
                None => say(format!("Mail to {to} was sent"), format!("Mail an {to} wurde gesendet")),
                Some(why) => say(format!("Mail to {to} was given up: {why}"), format!("Mail an {to} wurde aufgegeben: {why}")),
            }
        }
        Event::MessageEmitted(MessageEmitted { name, .. }) => say(format!("Message {name} sent"), format!("Nachricht {name} gesendet")),
        Event::MessageReceived(MessageReceived { name, .. }) => {
            say(format!("Message {name} has come"), format!("Nachricht {name} ist eingetroffen"))
        }
        Event::MessageKept(MessageKept { message }) => {
            say(format!("Message {} has come and waits", message.name), format!("Nachricht {} ist eingetroffen und wartet", message.name))
        }
        Event::MessageGone(_) => None,
        Event::TurnTaken(_) | Event::MutexTaken(_) | Event::MutexFreed(_) => None,
        Event::NobodyFound(NobodyFound { needed, found, .. }) => {
            say(format!("{needed} people are needed, {found} are there"), format!("{needed} Personen werden gebraucht, {found} gibt es"))
        }
        Event::WorkSteered(WorkSteered { activity, hand, to, reason, .. }) => {
            let to = to.as_ref().map_or(String::new(), |to| format!(" ({to})"));
            let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            let t = page.t;
            let hand = match hand.as_str() {
                "complete" => t.hand_complete,
                "skip" => t.hand_skip,
                "cancel" => t.hand_cancel,
                "move" => t.hand_move,
                "redo" => t.hand_redo,
                "suspend" => t.put_aside,
                "resume" => t.take_up,
                _ => t.hand_over,
            };
            Some(format!("{}, {activity} – {hand}{to}{why}", t.hand_work))
        }
        Event::StepUndone(StepUndone { activity, .. }) => {
            say(format!("Step {activity}: nothing is left to take back"), format!("Schritt {activity}: nichts mehr zurückzunehmen"))
        }
        Event::CallWanted(CallWanted { call }) => {
            say(format!("Program {} is to run", call.program), format!("Programm {} soll laufen", call.program))
        }
        Event::CallEnded(CallEnded { program, message: None, .. }) => {
            say(format!("Program {program} has answered"), format!("Programm {program} hat geantwortet"))
        }
        Event::CallEnded(CallEnded { program, message: Some(why), .. }) => {
            say(format!("Program {program} has failed: {why}"), format!("Programm {program} ist gescheitert: {why}"))
        }
        Event::MailQueued(MailQueued { outgoing }) => {
            let to = outgoing.to.iter().map(|a| a.address.as_str()).collect::<Vec<_>>().join(", ");
            say(format!("Mail to {to}"), format!("Mail an {to}"))
        }
        Event::ContentErased(ContentErased { by, reason, .. }) => {
            let by = person_name(page, by);
            say(format!("Content removed by {by}: {reason}"), format!("Inhalt entfernt von {by}: {reason}"))
        }
        Event::MailTakenBack(_) => say("Mail taken back".into(), "Mail zurückgenommen".into()),
        Event::MailBounced(MailBounced { address, message, .. }) => {
            say(format!("Mail to {address} came back: {message}"), format!("Mail an {address} kam zurück: {message}"))
        }
        Event::ParticipantAdded(ParticipantAdded { participant, .. }) => {
            say(format!("{participant} takes part by mail"), format!("{participant} nimmt per Mail teil"))
        }
        Event::MailWanted(_) => say("Mail to be sent again".into(), "Mail wird noch einmal gesendet".into()),
    }
}

/// Is the ticket closed for the purposes of lists?
pub fn open_states(model: &Model) -> Vec<String> {
    let open =
        |s: &&vorgang_definitions::kinds::state::State| !matches!(s.state_type, StateType::Closed | StateType::Merged | StateType::Removed);
    model.names.states.iter().filter(open).map(|s| s.name.to_string()).collect()
}
