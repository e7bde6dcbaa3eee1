//! Forms: fields with what may be chosen and why something is missing, dialogs with their buttons, and what a person
//! typed that was refused.

use crate::layout::Page;
use crate::texts::Texts;
use crate::widgets::{label, stored_value, word};
use maud::{Markup, html};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use vorgang_core::choices::Choice;
use vorgang_core::commands::Form;
use vorgang_core::denied::Denied;
use vorgang_core::ids::WorkId;
use vorgang_core::offered::{Filling, OfferedField, OfferedForm, OfferedWork};
use vorgang_core::people::{Person, PersonKind};
use vorgang_core::rejection::{FormError, Rejection};
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::kinds::field::FieldType;
use vorgang_definitions::kinds::message::DataType;
use vorgang_definitions::kinds::process::Style;
use vorgang_definitions::values::{Slot, from_stored};

/// What a person typed into a form that was refused.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    pub work: Option<WorkId>,
    pub dialog: Option<String>,
    pub values: BTreeMap<String, Json>,
    pub article: String,
    pub subject: String,
    pub minutes: String,
    /// Of an article that was written outside a dialog.
    pub visible: Option<bool>,
    /// Of a mail: whom it is to, and who gets a copy.
    pub to: Option<(String, String)>,
    /// The next one of the same kind is to come afterwards.
    pub pile: bool,
    pub rejection: Option<Rejection>,
}

impl Typed {
    fn error(&self, field: &str, language: &str) -> Option<String> {
        match &self.rejection {
            Some(Rejection::Form(errors)) => errors.iter().find(|(f, _)| f == field).map(|(_, e)| FormError::say(e, language)),
            _ => None,
        }
    }

    /// The dialog as it is filled in, for `work`.
    pub fn filling(&self, work: WorkId) -> Filling {
        let form = Form { dialog: self.dialog.clone(), values: self.values.clone(), ..Form::default() };
        Filling { work, dialog: self.dialog.clone(), form }
    }
}

/// The error summary of a refused form, first on the page.
pub fn refusal(page: &Page, typed: &Typed) -> Markup {
    let Some(rejection) = typed.rejection.clone().map(|r| r.told_to(page.who.person.kind)) else { return html! {} };
    let (t, language) = (page.t, page.language());
    html! {
        div.notice.bad role="alert" tabindex="-1" data-focus="" {
            @match &rejection {
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

/// One field of a form.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    pub name: &'a str,
    pub required: bool,
    /// In stored form.
    pub value: &'a Json,
    /// What may be chosen, where that is known.
    pub choice: Option<&'a Choice>,
    /// It keeps its value, for this reason.
    pub kept: Option<&'a Denied>,
}

impl<'a> Input<'a> {
    pub fn plain(name: &'a str, required: bool, value: &'a Json) -> Self {
        Self { name, required, value, choice: None, kept: None }
    }
}

/// What every control has: its names, and what is wrong with what was sent.
struct Control {
    id: String,
    name: String,
    required: bool,
    error: Option<String>,
}

impl Control {
    fn for_field(page: &Page, name: &str, required: bool, typed: &Typed) -> Self {
        Self { id: format!("f-{name}"), name: format!("f.{name}"), required, error: typed.error(name, page.language()) }
    }

    fn class(&self) -> &'static str {
        if self.error.is_some() { "field bad" } else { "field" }
    }

    fn described(&self) -> Option<String> {
        self.error.as_ref().map(|_| format!("{}-error", self.id))
    }

    fn invalid(&self) -> Option<&'static str> {
        self.error.as_ref().map(|_| "true")
    }

    fn error_line(&self) -> Markup {
        html! { @if let Some(e) = &self.error { p.error id=[self.described()] { (e) } } }
    }

    /// The label: what it is called, and whether it must be filled in.
    fn head(&self, title: &str, t: &Texts) -> Markup {
        html! { (title) @if self.required { " " span.hint { "(" (t.required) ")" } } }
    }

    fn checkbox(&self, text: &str, head: &Markup) -> Markup {
        html! {
            div class=(self.class()) { (self.error_line())
                input type="hidden" name=(self.name) value="false";
                label for=(self.id) { input id=(self.id) type="checkbox" name=(self.name) value="true" checked[text == "true" || text == "on"]; (head) }
            }
        }
    }

    fn line(&self, kind: &str, mode: Option<&str>, text: &str) -> Markup {
        html! { input id=(self.id) type=(kind) name=(self.name) value=(text) inputmode=[mode] required[self.required] aria-describedby=[self.described()] aria-invalid=[self.invalid()]; }
    }

    fn select(&self, text: &str, options: &[(String, String)], t: &Texts) -> Markup {
        // What cannot be chosen any more is not replaced by whatever comes first.
        let known = options.iter().any(|(value, _)| value == text);
        html! {
            select id=(self.id) name=(self.name) required[self.required] aria-describedby=[self.described()] aria-invalid=[self.invalid()] {
                @if !self.required || !known { option value="" { (if self.required { t.choose } else { "–" }) } }
                @for (value, title) in options { option value=(value) selected[value == text] { (title) } }
            }
        }
    }

    /// With its label before it.
    fn labelled(&self, head: &Markup, control: &Markup, after: &Markup) -> Markup {
        html! { div class=(self.class()) { label for=(self.id) { (head) } (self.error_line()) (control) (after) } }
    }
}

/// `typed` is what the person sent, and was refused or is drawn anew.
pub fn input(page: &Page, field: Input, typed: &Typed) -> Markup {
    let Input { name, required, value, choice, kept } = field;
    let t = page.t;
    let language = page.language();
    let control = Control::for_field(page, name, required, typed);
    let slot = Slot::find(&page.model.names, name);
    let sent = typed.values.get(name);
    let text = sent.and_then(Json::as_str).map(str::to_owned).unwrap_or_else(|| plain(page, slot.as_ref(), value));
    let site = page.model.names.site.main_language();
    let field = match slot {
        Some(Slot::Field(f)) => Some(f),
        _ => None,
    };
    let hint = field.and_then(|f| f.help.as_ref()).map(|h| h.get(language, site));
    let head = html! {
        (control.head(&label(page, name), t))
        @if let Some(hint) = hint { br; span.hint { (hint) } }
    };
    if let Some(denied) = kept {
        return html! {
            div class=(control.class()) { span.label { (label(page, name)) } (control.error_line())
                p.kept id=(control.id) { (stored_value(page, name, value)) }
                p.hint { (denied.say(language)) }
            }
        };
    }
    let offered = |option: &str| {
        choice.is_none_or(|c| {
            c.left().any(|v| v.as_str() == Some(option) || v.as_bool().is_some_and(|b| option == if b { "true" } else { "false" }))
        })
    };
    let why = html! { @if let Some(choice) = choice { (missing(page, choice)) } };
    if field.is_some_and(|f| f.field_type == FieldType::Boolean) {
        return control.checkbox(&text, &head);
    }
    if let Some(f) = field.filter(|f| f.field_type == FieldType::MultipleChoice) {
        let from = |j: &Json| j.as_array().map(|a| a.iter().filter_map(Json::as_str).map(str::to_owned).collect::<Vec<_>>());
        let chosen = sent.and_then(from).or_else(|| from(value)).unwrap_or_default();
        let each = format!("{}[]", control.name);
        return html! {
            fieldset class=(control.class()) id=(control.id) { legend { (head) } (control.error_line())
                input type="hidden" name=(each) value="";
                @for (o, title) in f.options.iter().filter(|(o, _)| offered(o)) {
                    label { input type="checkbox" name=(each) value=(o) checked[chosen.iter().any(|c| *o == c.as_str())]; (title.get(language, site)) }
                }
                (why)
            }
        };
    }
    let (id, name, described, invalid) = (&control.id, &control.name, control.described(), control.invalid());
    let drawn = match (&slot, field.map(|f| f.field_type)) {
        (_, Some(FieldType::Multiline)) => {
            html! { textarea id=(id) name=(name) required[required] aria-describedby=[described] aria-invalid=[invalid] { (text) } }
        }
        (_, Some(FieldType::Integer)) => control.line("number", None, &text),
        (_, Some(FieldType::Decimal)) => control.line("text", Some("decimal"), &text),
        (_, Some(FieldType::Date)) => control.line("date", None, &text),
        (_, Some(FieldType::File)) => html! {
            @if let Some(now) = value.get("name").and_then(Json::as_str) { p.quiet { (t.file_now) ": " (now) } }
            input id=(id) type="file" name=(name) required[required && value.is_null()] aria-describedby=[described] aria-invalid=[invalid];
        },
        (Some(slot), kind) => match choices(page, slot, kind) {
            Some(options) => {
                let options: Vec<_> = options.into_iter().filter(|(o, _)| offered(o)).collect();
                control.select(&text, &options, t)
            }
            None => control.line("text", None, &text),
        },
        (None, _) => control.line("text", None, &text),
    };
    control.labelled(&head, &drawn, &why)
}

/// A value of the process, or of a copy.
fn own_input(page: &Page, field: &OfferedField, of: DataType, title: &str, typed: &Typed) -> Markup {
    let control = Control::for_field(page, &field.name, field.required, typed);
    let value = match &field.value {
        Json::String(s) => s.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    };
    let text = typed.values.get(&field.name).and_then(Json::as_str).map_or(value, str::to_owned);
    let (kind, mode) = match of {
        DataType::Boolean => return control.checkbox(&text, &html! { (title) }),
        DataType::Integer => ("number", None),
        DataType::Decimal => ("text", Some("decimal")),
        DataType::Date => ("date", None),
        DataType::Text | DataType::User | DataType::Timestamp => ("text", None),
    };
    control.labelled(&control.head(title, page.t), &control.line(kind, mode, &text), &html! {})
}

/// "Why?": what cannot be chosen, with all that refuse. Conditions and values are for agents.
fn missing(page: &Page, choice: &Choice) -> Markup {
    let missing: Vec<_> = choice.missing().collect();
    if missing.is_empty() {
        return html! {};
    }
    html! {
        details.why { summary { (page.t.why_missing) }
            ul { @for option in missing { li {
                strong { (stored_value(page, &choice.name, &option.value)) } ": "
                @for (i, refused) in option.refused.iter().enumerate() { @if i > 0 { " · " } (reason(page, refused)) }
            } } }
        }
    }
}

/// One refusal, in words; of an ACL with its name and what it read.
pub fn reason(page: &Page, refused: &Rejection) -> Markup {
    let refused = &refused.clone().told_to(page.who.person.kind);
    let text = refused.say(page.language());
    match refused {
        Rejection::Acl(denied) if page.is_agent() => html! {
            (text) " " span.quiet { "(" (page.t.rule) " " code { (denied.acl) }
                @for (path, value) in &denied.values { ", " code { (path) } " = " (value) } ")" }
        },
        _ => html! { (text) },
    }
}

/// A stored value as it stands in an input.
fn plain(page: &Page, slot: Option<&Slot>, value: &Json) -> String {
    match slot {
        Some(Slot::Field(f)) => match from_stored(f, value) {
            Some(Value::Decimal(d)) if page.language().starts_with("de") => d.to_string().replace('.', ","),
            Some(Value::Map(_)) | None => String::new(),
            Some(v) => v.to_string(),
        },
        Some(Slot::Lock) => value.to_string(),
        _ => value.as_str().unwrap_or_default().to_owned(),
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
            .map(|p| (p.login.to_string(), p.name.clone()))
            .collect()
    };
    Some(match (slot, kind) {
        (Slot::State, _) => names.states.iter().map(|s| (s.name.to_string(), word(page.model, "state", &s.name, language))).collect(),
        (Slot::Type, _) => names.types.iter().map(|s| (s.name.to_string(), word(page.model, "type", &s.name, language))).collect(),
        (Slot::Queue, _) => names.queues.iter().map(|s| (s.name.to_string(), word(page.model, "queue", &s.name, language))).collect(),
        (Slot::Priority, _) => {
            names.priorities.iter().map(|s| (s.name.to_string(), word(page.model, "priority", &s.name, language))).collect()
        }
        (Slot::Owner | Slot::Responsible, _) => agents(),
        (Slot::Lock, _) => [true, false]
            .map(|b| (b.to_string(), vorgang_definitions::display::display(&Value::Bool(b), language, &names.site.zone.0)))
            .into(),
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
    page.app.desk.people().iter().filter(|p| same(p)).map(|p| (p.login.to_string(), p.name.clone())).collect()
}

/// The form of a dialog, with a button for each outcome.
pub fn dialog(page: &Page, action: &str, work: &OfferedWork, form: &OfferedForm, seen: u64, typed: &Typed) -> Markup {
    let mine = typed.dialog.as_deref().is_none_or(|d| d == form.dialog) && typed.work.is_none_or(|w| w == work.item.seq);
    let empty = Typed { pile: typed.pile, ..Typed::default() };
    let typed = if mine { typed } else { &empty };
    let t = page.t;
    let error = typed.error("article", page.language());
    html! {
        form method="post" action=(action) enctype="multipart/form-data" data-enhance novalidate data-redraw=[form.live.then(|| format!("{}-{}", work.item.seq, form.dialog))] {
            (page.once())
            input type="hidden" name="dialog" value=(form.dialog);
            input type="hidden" name="seen" value=(seen);
            input type="hidden" name="epoch" value=(work.item.epoch);
            @if !form.show.is_empty() {
                dl.facts { @for (name, value) in &form.show { dt { (label(page, name)) } dd { (stored_value(page, name, value)) } } }
                br;
            }
            @for field in &form.fields {
                @if let Some((of, title)) = &field.own { (own_input(page, field, *of, title, typed)) } @else {
                (input(page, Input { name: &field.name, required: field.required, value: &field.value, choice: field.choice.as_ref(), kept: field.kept.as_ref() }, typed)) }
             }
            @if let Some(article) = &form.article {
                div class=(if error.is_some() { "field bad" } else { "field" }) {
                    label for="f-article" { (t.message) @if article.required { " " span.hint { "(" (t.required) ")" } }
                        @if !article.visible && page.is_agent() { " " span.tag.internal { (t.internal) } } }
                    @if let Some(e) = &error { p.error { (e) } }
                    textarea id="f-article" name="article" required[article.required] { (typed.article) }
                }
                @if let Some(required) = article.time { (minutes(page, "f-minutes", required, typed)) }
                div.field { label for=(format!("files-{}-{}", work.item.seq, form.dialog)) { (t.attachments) }
                    input id=(format!("files-{}-{}", work.item.seq, form.dialog)) type="file" name="files" multiple; }
            }
            // Of many of a kind one comes after the other.
            @if page.is_agent() && seen > 0 {
                p.pile { label { input type="checkbox" name="pile" value=(format!("{}.{}", work.process, work.item.activity)) checked[typed.pile]; " " (t.pile) } }
            }
            div.buttons {
                @for outcome in &form.outcomes {
                    button name="outcome" value=(outcome.name) class=(style(outcome.style, form.outcomes.len())) data-confirm=[outcome.confirm.as_ref()] title=[outcome.confirm.as_ref()] { (outcome.title) }
                }
                @if form.live { (redraw(page)) }
            }
        }
    }
}

/// How long an agent worked.
pub fn minutes(page: &Page, id: &str, required: bool, typed: &Typed) -> Markup {
    let (t, error) = (page.t, typed.error("minutes", page.language()));
    html! {
        div class=(if error.is_some() { "field bad" } else { "field" }) {
            label for=(id) { (t.minutes) @if required { " " span.hint { "(" (t.required) ")" } } }
            @if let Some(e) = &error { p.error { (e) } }
            input.short id=(id) name="minutes" type="number" min="1" max="1440" inputmode="numeric" required[required] value=(typed.minutes);
        }
    }
}

/// Draws the form anew with what stands in it; with script that happens by itself.
pub fn redraw(page: &Page) -> Markup {
    html! { button.redraw name="redraw" value="1" formnovalidate { (page.t.redraw) } }
}

fn style(style: Option<Style>, buttons: usize) -> &'static str {
    match style {
        Some(Style::Primary) => "primary",
        Some(Style::Danger) => "danger",
        None if buttons == 1 => "primary",
        _ => "",
    }
}
