//! Parts of pages: form fields, tables of tickets, drawings, history lines.

use crate::layout::Page;
use crate::texts::Texts;
use maud::{Markup, PreEscaped, html};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use vorgang_core::decide::view::{OfferedForm, OfferedWork};
use vorgang_core::event::Event;
use vorgang_core::people::{Person, PersonKind};
use vorgang_core::rejection::{FormError, Rejection};
use vorgang_core::snapshot::{Instance, Snapshot, Step, WorkStatus};
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::diagram::{self, Mark};
use vorgang_definitions::display::{display, display_time};
use vorgang_definitions::kinds::field::{Field, FieldType};
use vorgang_definitions::kinds::process::Style;
use vorgang_definitions::kinds::state::StateType;
use vorgang_definitions::model::Model;
use vorgang_definitions::values::{Slot, from_stored};
use vorgang_store::TicketRow;

/// What a person typed into a form that was refused.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    pub work: Option<u32>,
    pub dialog: Option<String>,
    pub values: BTreeMap<String, Json>,
    pub article: String,
    pub subject: String,
    /// Of an article that was written outside a dialog.
    pub visible: Option<bool>,
    pub rejection: Option<Rejection>,
}

impl Typed {
    fn error(&self, field: &str, language: &str) -> Option<String> {
        match &self.rejection {
            Some(Rejection::Form(errors)) => errors.iter().find(|(f, _)| f == field).map(|(_, e)| FormError::say(e, language)),
            _ => None,
        }
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

/// The error summary of a refused form, first on the page.
pub fn refusal(page: &Page, typed: &Typed) -> Markup {
    let Some(rejection) = &typed.rejection else { return html! {} };
    let (t, language) = (page.t, page.language());
    html! {
        div.notice.bad role="alert" tabindex="-1" data-focus="" {
            @match rejection {
                Rejection::Form(errors) => {
                    h2 { (t.check_form) }
                    ul { @for (field, error) in errors {
                        li { @if field.is_empty() { (error.say(language)) } @else { a href=(format!("#f-{field}")) { (label(page, field)) ": " (error.say(language)) } } }
                    } }
                }
                Rejection::Conflict(fields) => {
                    h2 { (t.changed_meanwhile) }
                    div.table { table {
                        thead { tr { th scope="col" { } th scope="col" { (t.yours) } th scope="col" { (t.stored) } } }
                        tbody { @for (field, yours, stored) in fields {
                            tr { th scope="row" { (label(page, field)) } td { (stored_value(page, field, yours)) } td { (stored_value(page, field, stored)) } }
                        } }
                    } }
                }
                other => { h2 { (t.not_possible) } p { (other.say(language)) }
                    // The form may be gone; what was written is not.
                    @if !typed.article.is_empty() { p { (t.your_text) } pre { (typed.article) } }
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
        "customer_user" => t.customer.into(),
        "pending_until" => t.pending_until.into(),
        "article" => t.message.into(),
        "type" => t.ticket_type.into(),
        _ => match page.model.names.fields.get(name) {
            Some(f) => page.model.title(f.title.as_ref(), name, page.language()).to_owned(),
            None => name.to_owned(),
        },
    }
}

/// A stored value as people read it.
pub fn stored_value(page: &Page, name: &str, json: &Json) -> String {
    let language = page.language();
    let text = json.as_str().unwrap_or_default();
    match Slot::find(&page.model.names, name) {
        _ if json.is_null() => "–".into(),
        Some(Slot::Field(field)) => field_text(page.model, field, json, language, page),
        Some(Slot::State) => word(page.model, "state", text, language),
        Some(Slot::Queue) => word(page.model, "queue", text, language),
        Some(Slot::Priority) => word(page.model, "priority", text, language),
        Some(Slot::Owner | Slot::Responsible | Slot::CustomerUser) => person_name(page, text),
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

/// One field of a form. `value` is in stored form, `typed` what the person sent and was refused.
pub fn input(page: &Page, name: &str, required: bool, value: &Json, typed: &Typed) -> Markup {
    let t = page.t;
    let language = page.language();
    let error = typed.error(name, language);
    let id = format!("f-{name}");
    let field_name = format!("f.{name}");
    let slot = Slot::find(&page.model.names, name);
    let sent = typed.values.get(name);
    let text = sent.and_then(Json::as_str).map(str::to_owned).unwrap_or_else(|| plain(page, slot.as_ref(), value));
    let site = page.model.names.site.main_language();
    let field = match slot {
        Some(Slot::Field(f)) => Some(f),
        _ => None,
    };
    let hint = field.and_then(|f| f.help.as_ref()).map(|h| h.get(language, site));
    let described = error.as_ref().map(|_| format!("{id}-error"));
    let invalid = error.as_ref().map(|_| "true");
    let head = html! {
        (label(page, name)) @if required { " " span.hint { "(" (t.required) ")" } }
        @if let Some(hint) = hint { br; span.hint { (hint) } }
    };
    let error_line = html! { @if let Some(e) = &error { p.error id=(format!("{id}-error")) { (e) } } };
    let class = if error.is_some() { "field bad" } else { "field" };
    if field.is_some_and(|f| f.field_type == FieldType::Boolean) {
        let on = text == "true" || text == "on";
        return html! {
            div class=(class) { (error_line)
                input type="hidden" name=(field_name) value="false";
                label for=(id) { input id=(id) type="checkbox" name=(field_name) value="true" checked[on]; (head) }
            }
        };
    }
    if let Some(f) = field.filter(|f| f.field_type == FieldType::MultipleChoice) {
        let from = |j: &Json| j.as_array().map(|a| a.iter().filter_map(Json::as_str).map(str::to_owned).collect::<Vec<_>>());
        let chosen = sent.and_then(from).or_else(|| from(value)).unwrap_or_default();
        return html! {
            fieldset class=(class) id=(id) { legend { (head) } (error_line)
                input type="hidden" name=(format!("{field_name}[]")) value="";
                @for (o, title) in f.options.iter() {
                    label { input type="checkbox" name=(format!("{field_name}[]")) value=(o) checked[chosen.iter().any(|c| *o == c.as_str())]; (title.get(language, site)) }
                }
            }
        };
    }
    let attributes = |kind: &str, mode: Option<&str>| {
        html! { input id=(id) type=(kind) name=(field_name) value=(text) inputmode=[mode] required[required] aria-describedby=[described.as_ref()] aria-invalid=[invalid]; }
    };
    let control = match (&slot, field.map(|f| f.field_type)) {
        (_, Some(FieldType::Multiline)) => {
            html! { textarea id=(id) name=(field_name) required[required] aria-describedby=[described.as_ref()] aria-invalid=[invalid] { (text) } }
        }
        (_, Some(FieldType::Integer)) => attributes("number", None),
        (_, Some(FieldType::Decimal)) => attributes("text", Some("decimal")),
        (_, Some(FieldType::Date)) => attributes("date", None),
        (_, Some(FieldType::File)) => html! {
            @if let Some(now) = value.get("name").and_then(Json::as_str) { p.quiet { (t.file_now) ": " (now) } }
            input id=(id) type="file" name=(field_name) required[required && value.is_null()] aria-describedby=[described.as_ref()] aria-invalid=[invalid];
        },
        (Some(slot), kind) => match choices(page, slot, kind) {
            Some(options) => select(&id, &field_name, required, &text, &options, t, described.as_ref(), invalid),
            None => attributes("text", None),
        },
        (None, _) => attributes("text", None),
    };
    html! { div class=(class) { label for=(id) { (head) } (error_line) (control) } }
}

/// A stored value as it stands in an input.
fn plain(page: &Page, slot: Option<&Slot>, value: &Json) -> String {
    match slot {
        Some(Slot::Field(f)) => match from_stored(f, value) {
            Some(Value::Decimal(d)) if page.language().starts_with("de") => d.to_string().replace('.', ","),
            Some(Value::Map(_)) | None => String::new(),
            Some(v) => v.to_string(),
        },
        _ => value.as_str().unwrap_or_default().to_owned(),
    }
}

#[expect(clippy::too_many_arguments, reason = "one control with its accessibility attributes")]
fn select(
    id: &str,
    name: &str,
    required: bool,
    text: &str,
    options: &[(String, String)],
    t: &Texts,
    described: Option<&String>,
    invalid: Option<&str>,
) -> Markup {
    html! {
        select id=(id) name=(name) required[required] aria-describedby=[described] aria-invalid=[invalid] {
            @if !required || text.is_empty() { option value="" { (if required { t.choose } else { "–" }) } }
            @for (value, title) in options { option value=(value) selected[value == text] { (title) } }
        }
    }
}

/// The choices of a slot that has a closed set; `None` for free text.
fn choices(page: &Page, slot: &Slot, kind: Option<FieldType>) -> Option<Vec<(String, String)>> {
    let (names, language) = (&page.model.names, page.language());
    let site = names.site.main_language();
    let agents = || {
        page.app
            .desk
            .people()
            .iter()
            .filter(|p| p.kind == PersonKind::Agent && p.active)
            .map(|p| (p.login.clone(), p.name.clone()))
            .collect()
    };
    Some(match (slot, kind) {
        (Slot::State, _) => names.states.iter().map(|s| (s.name.to_string(), word(page.model, "state", &s.name, language))).collect(),
        (Slot::Queue, _) => names.queues.iter().map(|s| (s.name.to_string(), word(page.model, "queue", &s.name, language))).collect(),
        (Slot::Priority, _) => {
            names.priorities.iter().map(|s| (s.name.to_string(), word(page.model, "priority", &s.name, language))).collect()
        }
        (Slot::Owner | Slot::Responsible, _) => agents(),
        (Slot::Field(f), Some(FieldType::Choice)) => {
            f.options.iter().map(|(n, t)| (n.to_string(), t.get(language, site).to_owned())).collect()
        }
        // A customer does not get a list of everybody.
        (Slot::Field(_), Some(FieldType::User)) if page.is_agent() => agents(),
        (Slot::Field(_), Some(FieldType::User)) => colleagues(page),
        _ => return None,
    })
}

fn colleagues(page: &Page) -> Vec<(String, String)> {
    let me = &page.who.person;
    let same = |p: &Person| p.active && p.company.is_some() && p.company == me.company && p.login != me.login;
    page.app.desk.people().iter().filter(|p| same(p)).map(|p| (p.login.clone(), p.name.clone())).collect()
}

/// The form of a dialog, with a button for each outcome.
pub fn dialog(page: &Page, action: &str, work: &OfferedWork, form: &OfferedForm, seen: u64, typed: &Typed) -> Markup {
    let mine = typed.dialog.as_deref().is_none_or(|d| d == form.dialog) && typed.work.is_none_or(|w| w == work.item.seq);
    let empty = Typed::default();
    let typed = if mine { typed } else { &empty };
    let t = page.t;
    let error = typed.error("article", page.language());
    html! {
        form method="post" action=(action) enctype="multipart/form-data" data-enhance novalidate {
            (page.once())
            input type="hidden" name="dialog" value=(form.dialog);
            input type="hidden" name="seen" value=(seen);
            input type="hidden" name="epoch" value=(work.item.epoch);
            @if !form.show.is_empty() {
                dl.facts { @for (name, value) in &form.show { dt { (label(page, name)) } dd { (stored_value(page, name, value)) } } }
                br;
            }
            @for field in &form.fields { (input(page, &field.name, field.required, &field.value, typed)) }
            @if let Some(article) = &form.article {
                div class=(if error.is_some() { "field bad" } else { "field" }) {
                    label for="f-article" { (t.message) @if article.required { " " span.hint { "(" (t.required) ")" } }
                        @if !article.visible && page.is_agent() { " " span.tag.internal { (t.internal) } } }
                    @if let Some(e) = &error { p.error { (e) } }
                    textarea id="f-article" name="article" required[article.required] { (typed.article) }
                }
                div.field { label for=(format!("files-{}-{}", work.item.seq, form.dialog)) { (t.attachments) }
                    input id=(format!("files-{}-{}", work.item.seq, form.dialog)) type="file" name="files" multiple; }
            }
            div.buttons {
                @for outcome in &form.outcomes {
                    button name="outcome" value=(outcome.name) class=(style(outcome.style, form.outcomes.len())) data-confirm=[outcome.confirm.as_ref()] title=[outcome.confirm.as_ref()] { (outcome.title) }
                }
            }
        }
    }
}

fn style(style: Option<Style>, buttons: usize) -> &'static str {
    match style {
        Some(Style::Primary) => "primary",
        Some(Style::Danger) => "danger",
        None if buttons == 1 => "primary",
        _ => "",
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
pub fn process(page: &Page, snapshot: &Snapshot, instance: &Instance, steps: &[Step]) -> Markup {
    let Some(process) = page.model.process_by_hash(&instance.hash).or_else(|| page.model.processes.get(&instance.process)) else {
        return html! {};
    };
    let t = page.t;
    let marks = marks(snapshot, instance, steps, page.model);
    let graph = diagram::graph(page.model, &process.def, page.language(), &marks, !page.is_agent());
    let drawing = diagram::svg(&graph, false);
    let site = page.model.names.site.main_language();
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
                            @if page.is_agent() {
                                @if let Some(s) = steps.iter().find(|s| s.instance == instance.seq && s.activity == node.name) {
                                    span.quiet { (outcome_text(page, &process.def, &s.activity, &s.outcome, site)) " · " (person_name(page, &s.by)) " · " (time(page, s.at)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn end_title(page: &Page, process: &vorgang_definitions::kinds::process::Process, outcome: &str) -> String {
    let activity = process.activities.iter().find(|(_, a)| a.end.as_ref().is_some_and(|e| *e == outcome));
    activity.map_or_else(|| outcome.to_owned(), |(n, a)| page.model.title(a.title.as_ref(), n, page.language()).to_owned())
}

fn outcome_text(page: &Page, process: &vorgang_definitions::kinds::process::Process, activity: &str, outcome: &str, site: &str) -> String {
    let titled = process.activities.get(activity).and_then(|a| a.dialogs.iter().find_map(|(_, d)| d.outcomes.get(outcome)));
    match (titled, outcome) {
        (Some(o), _) => o.title.get(page.language(), site).to_owned(),
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
        Event::TicketCreated { ticket } => {
            say(format!("Ticket created in {}", ticket.queue), format!("Ticket angelegt in {}", ticket.queue))
        }
        Event::AttributeSet { name, old, new } | Event::FieldSet { name, old, new } => {
            Some(format!("{}: {} → {}", label(page, name), stored_value(page, name, old), stored_value(page, name, new)))
        }
        Event::ArticleAdded { article } => {
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
        Event::InstanceStarted { instance } => {
            say(format!("Process {} started", instance.process), format!("Prozess {} gestartet", instance.process))
        }
        Event::InstanceEnded { outcome, .. } => say(format!("Process ended: {outcome}"), format!("Prozess beendet: {outcome}")),
        Event::WorkEntered { item } => say(format!("Step {} begins", item.activity), format!("Schritt {} beginnt", item.activity)),
        Event::WorkChanged { claimed_by: Some(by), status: WorkStatus::Started, .. } => {
            say(format!("Work claimed by {}", person_name(page, by)), format!("Aufgabe übernommen von {}", person_name(page, by)))
        }
        Event::WorkChanged { .. } => None,
        Event::WorkEnded { status: WorkStatus::Cancelled, .. } => {
            say("A step was withdrawn".into(), "Ein Schritt wurde zurückgezogen".into())
        }
        Event::WorkEnded { outcome: Some(o), .. } if o != "done" => {
            say(format!("Step completed: {o}"), format!("Schritt abgeschlossen: {o}"))
        }
        Event::WorkEnded { .. } => None,
        Event::DialogSubmitted { dialog, outcome, .. } => {
            say(format!("Form {dialog} submitted: {outcome}"), format!("Formular {dialog} abgesendet: {outcome}"))
        }
        Event::VoteCast { person, outcome, .. } => {
            say(format!("Vote of {}: {outcome}", person_name(page, person)), format!("Stimme von {}: {outcome}", person_name(page, person)))
        }
        Event::TimerFired { .. } => say("Its time has come".into(), "Die Zeit ist gekommen".into()),
        Event::TimerSet { .. } | Event::TimerEnded { .. } => None,
        Event::WatcherAdded { person, .. } => {
            say(format!("{} watches", person_name(page, person)), format!("{} beobachtet", person_name(page, person)))
        }
        Event::WatcherRemoved { person } => {
            say(format!("{} no longer watches", person_name(page, person)), format!("{} beobachtet nicht mehr", person_name(page, person)))
        }
        Event::IncidentRaised { incident } => say(format!("Incident: {}", incident.message), format!("Störfall: {}", incident.message)),
        Event::IncidentResolved { .. } => say("Incident retried".into(), "Störfall erneut versucht".into()),
        Event::NotificationSent { notification } => {
            let to = person_name(page, &notification.to);
            say(format!("Notification {} to {to}", notification.name), format!("Mitteilung {} an {to}", notification.name))
        }
    }
}

/// Is the ticket closed for the purposes of lists?
pub fn open_states(model: &Model) -> Vec<String> {
    let open =
        |s: &&vorgang_definitions::kinds::state::State| !matches!(s.state_type, StateType::Closed | StateType::Merged | StateType::Removed);
    model.names.states.iter().filter(open).map(|s| s.name.to_string()).collect()
}
