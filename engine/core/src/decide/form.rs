//! Forms: what a person sends is read against the dialog, whole, before anything is written.

use super::life_cycle::StateError;
use super::run::Run;
use crate::acl::{self, Judge, Shape};
use crate::apply::{apply, attribute};
use crate::command::{ArticleInput, Form};
use crate::event::{Article, Event};
use crate::message::{self, Datum};
use crate::people::PersonKind;
use crate::rejection::{FormError, Rejection};
use crate::rights;
use crate::scope::TicketScope;
use crate::snapshot::{Seq, Snapshot, WorkItem};
use crate::text;
use serde_json::Value as Json;
use vorgang_definitions::calendar::later;
use vorgang_definitions::cel::Expr;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::kinds::field::FieldType;
use vorgang_definitions::kinds::message::DataType;
use vorgang_definitions::kinds::process::{ArticleField, AskTime, FormField};
use vorgang_definitions::kinds::role::Right;
use vorgang_definitions::value_expr::ValueExpr;
use vorgang_definitions::values::{Slot, ValueError, to_stored};

/// Most files of one article.
pub const FILES_MAX: usize = 20;
/// Longest text of an article, in bytes.
pub const ARTICLE_BYTES_MAX: usize = 256 * 1024;

/// Most minutes of work in one message: a day.
pub const MINUTES_MAX: u32 = 24 * 60;

/// One change that a form wants, in stored form.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub name: String,
    pub is_field: bool,
    pub value: Json,
}

/// A form that was read without an error.
#[derive(Debug, Default)]
pub struct Filled<'p> {
    pub changes: Vec<Change>,
    pub article: Option<(&'p ArticleField, ArticleInput)>,
    /// Values of the process or of the copy, by name; `None` where they are left empty.
    pub data: Vec<(String, Option<Datum>)>,
}

/// The ticket as it would be with the form's values: what conditions in the form see (`stored` is the saved one).
pub fn trial(run: &Run, fields: &[FormField], form: &Form, instance: Option<Seq>, work: Option<Seq>) -> Snapshot {
    let read = |field: &FormField| {
        let name = field.field.as_ref()?;
        let slot = Slot::find(&run.model.names, name)?;
        match form.values.get(name.as_str()) {
            Some(json) => read_value(run, &slot, json).ok(),
            // What is not sent gets its default, as it is written.
            None if current(&run.snapshot, &slot).is_null() => default(run, field, &slot, instance, work),
            None => None,
        }
    };
    with_changes(&run.snapshot, fields.iter().filter_map(read))
}

pub fn with_changes(snapshot: &Snapshot, changes: impl Iterator<Item = Change>) -> Snapshot {
    let mut trial = snapshot.clone();
    for Change { name, is_field, value } in changes {
        let event = if is_field {
            Event::FieldSet { name, old: Json::Null, new: value }
        } else {
            Event::AttributeSet { name, old: Json::Null, new: value }
        };
        apply(&mut trial, &event);
    }
    trial
}

/// Does the condition hold in the trial? What cannot be evaluated yet is left to `otherwise`.
pub fn holds_in(run: &Run, trial: &Snapshot, when: Option<&Expr>, instance: Option<Seq>, work: Option<Seq>, otherwise: bool) -> bool {
    let Some(when) = when else { return true };
    let scope = TicketScope { snapshot: trial, ..run.scope(instance, work) };
    when.program().holds(&scope).unwrap_or(otherwise)
}

/// The dialog's fields that are there now, by their `when`.
pub fn present<'p>(run: &Run, fields: &'p [FormField], trial: &Snapshot, instance: Option<Seq>, work: Option<Seq>) -> Vec<&'p FormField> {
    fields.iter().filter(|f| holds_in(run, trial, f.when.as_ref(), instance, work, true)).collect()
}

pub fn read<'p>(
    run: &Run,
    fields: &'p [FormField],
    form: &Form,
    instance: Option<Seq>,
    work: Option<Seq>,
) -> Result<Filled<'p>, Rejection> {
    let trial = trial(run, fields, form, instance, work);
    let judge = Judge::new(run, &trial, instance, work);
    let shape = |name: &str| judge.as_ref().and_then(|j| j.field(name));
    let present = present(run, fields, &trial, instance, work);
    let mut errors: Vec<(String, FormError)> = vec![];
    let known = |name: &str| present.iter().any(|f| f.field.as_ref().or(f.data.as_ref()).is_some_and(|n| *n == name));
    for name in form.values.keys().filter(|n| !known(n)) {
        errors.push((name.clone(), FormError::Unknown));
    }
    let mut filled = Filled::default();
    for field in present {
        if let Some(name) = &field.data {
            match own_value(run, name, field, form, instance) {
                Ok(value) => filled.data.push((name.to_string(), value)),
                Err(error) => errors.push((name.to_string(), error)),
            }
            continue;
        }
        match (&field.field, &field.article) {
            (Some(name), _) => match change(run, name, field, form, instance, work, shape(name)) {
                Ok(change) => filled.changes.extend(change),
                Err(error) => errors.push((name.to_string(), error)),
            },
            (None, Some(article)) => match article_input(run, article, form, shape("article")) {
                Ok(input) => filled.article = input.map(|i| (article, i)),
                Err((name, error)) => errors.push((name.into(), error)),
            },
            (None, None) => {}
        }
    }
    if filled.article.is_none() && form.article.as_ref().is_some_and(|a| !is_empty(a)) && !fields.iter().any(|f| f.article.is_some()) {
        errors.push(("article".into(), FormError::Unknown));
    }
    errors.extend(judge.map(|j| j.changes(&filled.changes)).unwrap_or_default());
    if errors.is_empty() { Ok(filled) } else { Err(Rejection::Form(errors)) }
}

/// A value of the process, or of a copy: there a yes that is not given is a no.
fn own_value(run: &Run, name: &str, field: &FormField, form: &Form, instance: Option<Seq>) -> Result<Option<Datum>, FormError> {
    let of = data_type(run, name, field, instance).ok_or(FormError::Unknown)?;
    let given = form.values.get(name).map(|json| of.read_form(json)).transpose().map_err(FormError::Invalid)?.flatten();
    let value = given.or_else(|| (of == DataType::Boolean).then_some(Value::Bool(false)));
    if value.is_none() && field.required {
        return Err(FormError::Required);
    }
    Ok(value.as_ref().and_then(Datum::of))
}

/// The type of a value of the process, or of a copy.
pub fn data_type(run: &Run, name: &str, field: &FormField, instance: Option<Seq>) -> Option<DataType> {
    field.data_type.or_else(|| run.process_of(instance?)?.def.data.get(name).map(|of| of.0))
}

/// Writes what was filled in of the process's, or of the copy's own.
pub fn write_data(run: &mut Run, data: Vec<(String, Option<Datum>)>, item: &WorkItem) {
    if data.is_empty() {
        return;
    }
    let mut more = item.more();
    match &mut more.copy {
        None => data.into_iter().for_each(|(name, datum)| run.set_data(item.instance, &name, datum)),
        Some(copy) => {
            for (name, datum) in data {
                message::put(&mut copy.data, &name, datum);
            }
            run.note_work(item.seq, more);
        }
    }
}

/// A stored value that says nothing; a list without an element is none.
pub fn is_unset(json: &Json) -> bool {
    json.is_null() || json.as_array().is_some_and(Vec::is_empty)
}

/// No text is left, once what cannot be stored is taken out.
pub fn is_mute(article: &ArticleInput) -> bool {
    article.body.replace('\0', "").trim().is_empty()
}

/// Nothing is left of it.
pub fn is_empty(article: &ArticleInput) -> bool {
    is_mute(article) && article.subject.trim().is_empty() && article.attachments.is_empty()
}

/// A wrong one with the name of the input that is meant.
type WrongInput = (&'static str, FormError);

fn article_input(run: &Run, field: &ArticleField, form: &Form, shape: Option<Shape>) -> Result<Option<ArticleInput>, WrongInput> {
    let input = form.article.clone().unwrap_or_default();
    match shape {
        Some(Shape::Hidden(denied)) if !is_empty(&input) => return Err(("article", denied.into())),
        Some(Shape::Hidden(_)) => return Ok(None),
        Some(Shape::Required(denied)) if is_mute(&input) => return Err(("article", denied.into())),
        _ => {}
    }
    let agent = run.ctx.actor.kind == PersonKind::Agent;
    if agent && field.time == Some(AskTime::Required) && input.minutes.unwrap_or(0) == 0 {
        return Err(("minutes", FormError::Required));
    }
    if is_mute(&input) && (field.required || (agent && input.minutes.is_some())) {
        return Err(("article", FormError::Required));
    }
    check_article(&input)?;
    Ok((!is_empty(&input)).then_some(input))
}

pub fn check_article(input: &ArticleInput) -> Result<(), WrongInput> {
    use vorgang_definitions::values::{FILE_BYTES_MAX, LINE_BYTES_MAX};
    let too_long = |max: usize| Err(("article", FormError::Invalid(ValueError::TooLong(max))));
    if input.subject.len() > LINE_BYTES_MAX {
        return too_long(LINE_BYTES_MAX);
    }
    if input.body.len() > ARTICLE_BYTES_MAX {
        return too_long(ARTICLE_BYTES_MAX);
    }
    if input.attachments.len() > FILES_MAX {
        return Err(("article", FormError::TooManyFiles));
    }
    if input.attachments.iter().any(|(_, b)| b.bytes.len() > FILE_BYTES_MAX) {
        return too_long(FILE_BYTES_MAX);
    }
    if input.minutes.is_some_and(|m| m > MINUTES_MAX) {
        return Err(("minutes", FormError::Invalid(ValueError::TooLarge)));
    }
    Ok(())
}

fn change(
    run: &Run,
    name: &str,
    field: &FormField,
    form: &Form,
    instance: Option<Seq>,
    work: Option<Seq>,
    shape: Option<Shape>,
) -> Result<Option<Change>, FormError> {
    let slot = Slot::find(&run.model.names, name).ok_or(FormError::Unknown)?;
    let now = current(&run.snapshot, &slot);
    // What the form does not have needs no value; what is sent all the same is judged as a change.
    if matches!(shape, Some(Shape::Hidden(_) | Shape::ReadOnly(_))) {
        return form.values.get(name).map(|json| read_value(run, &slot, json)).transpose();
    }
    let change = match form.values.get(name) {
        Some(json) => Some(read_value(run, &slot, json)?),
        None if now.is_null() => default(run, field, &slot, instance, work),
        None => None,
    };
    let after = change.as_ref().map_or(&now, |c| &c.value);
    let type_requires =
        run.model.names.types.get(&run.snapshot.ticket.ticket_type).is_some_and(|t| t.fields.iter().any(|f| f.required && f.field == name));
    let empty = is_unset(after);
    if let (true, Some(Shape::Required(denied))) = (empty, shape) {
        return Err(denied.into());
    }
    if empty && (field.required || slot.always_set() || type_requires) {
        return Err(FormError::Required);
    }
    Ok(change)
}

/// What stands in a form at first: the value that the ticket has, else the default.
pub fn default(run: &Run, field: &FormField, slot: &Slot, instance: Option<Seq>, work: Option<Seq>) -> Option<Change> {
    let value = match field.default.as_ref()? {
        ValueExpr::Literal(l) => l.get().cloned(),
        ValueExpr::Expr(e) => e.program().evaluate(&run.scope(instance, work)).ok(),
    }?;
    stored(run, slot, Some(value)).ok()
}

/// The stored value of a slot; `null` where it is unset.
pub fn current(snapshot: &Snapshot, slot: &Slot) -> Json {
    match slot {
        Slot::Field(f) => snapshot.ticket.fields.get(f.name.as_str()).cloned().unwrap_or(Json::Null),
        other => attribute(&snapshot.ticket, other.name()),
    }
}

/// Reads one value that a person sent.
pub fn read_value(run: &Run, slot: &Slot, json: &Json) -> Result<Change, FormError> {
    let value = slot.json(json, &run.model.names).map_err(FormError::Invalid)?;
    stored(run, slot, value)
}

fn stored(run: &Run, slot: &Slot, value: Option<Value>) -> Result<Change, FormError> {
    let is_field = matches!(slot, Slot::Field(_));
    let slot = if matches!(slot, Slot::Pending) { &Slot::PendingUntil } else { slot };
    let json = match (slot, &value) {
        (_, None) => Json::Null,
        (Slot::Title, Some(v)) if v.as_text().is_some_and(text::is_blank) => return Err(FormError::Required),
        (Slot::PendingUntil, Some(Value::Duration(d))) => {
            let until = later(run.ctx.now, *d, None, &run.model.names.site.zone.0);
            until.ok_or(FormError::Invalid(ValueError::TooLarge))?.to_string().into()
        }
        (Slot::Field(f), Some(v)) => {
            if f.field_type == FieldType::User {
                person(run, v, false)?;
            }
            if f.field_type == FieldType::File {
                file(run, v)?;
            }
            to_stored(f, v).map_err(FormError::Invalid)?
        }
        (Slot::Priority, Some(Value::Int(level))) => run.model.names.priority_name(*level).into(),
        (Slot::Owner | Slot::Responsible, Some(v)) => {
            person(run, v, true)?;
            v.to_json()
        }
        (Slot::CustomerUser, Some(v)) => {
            person(run, v, false)?;
            v.to_json()
        }
        (_, Some(v)) => v.to_json(),
    };
    Ok(Change { name: slot.name().to_owned(), is_field, value: json })
}

/// A hash is no permission: a file is taken only with its content.
fn file(run: &Run, value: &Value) -> Result<(), FormError> {
    use vorgang_definitions::values::ValueError;
    let Value::Map(file) = value else { return Err(FormError::Invalid(ValueError::WrongType("a file"))) };
    let sent = file.get("blob").and_then(Value::as_text).and_then(|hash| run.blobs.iter().find(|b| b.hash == hash));
    match sent {
        Some(blob) if file.get("size") == Some(&Value::Int(blob.bytes.len() as i64)) => Ok(()),
        _ => Err(FormError::Invalid(ValueError::WrongType("a file"))),
    }
}

fn person(run: &Run, value: &Value, agent: bool) -> Result<(), FormError> {
    let me = run.ctx.actor;
    // Customers know their colleagues and nobody else.
    let known = |p: &crate::people::Person| match me.kind {
        PersonKind::Customer => p.login == me.login || (p.company.is_some() && p.company == me.company),
        _ => p.kind != PersonKind::System,
    };
    let person = value.as_text().and_then(|l| run.ctx.people.get(l)).filter(|p| p.active && known(p));
    match person {
        Some(p) if !agent || p.kind == PersonKind::Agent => Ok(()),
        _ => Err(FormError::NoSuchPerson),
    }
}

/// Refuses what somebody else changed since the form was drawn, and what a running process relies on.
pub fn conflicts(run: &Run, changes: &[Change], seen: Option<u64>) -> Result<(), Rejection> {
    let mut both = vec![];
    for change in changes {
        let slot = Slot::find(&run.model.names, &change.name);
        let now = slot.as_ref().map_or(Json::Null, |s| current(&run.snapshot, s));
        if now == change.value {
            continue;
        }
        if let Some(seen) = seen.filter(|s| *s < run.snapshot.version) {
            let Some(changed) = run.ctx.changed_since else { return Err(Rejection::NeedsChangesSince(seen)) };
            if changed.get(&change.name).is_some_and(|v| *v > seen) {
                both.push((change.name.clone(), change.value.clone(), now.clone()));
            }
        }
        if is_unset(&change.value) {
            relied_on(run, &change.name, None)?;
        }
    }
    if both.is_empty() { Ok(()) } else { Err(Rejection::Conflict(both)) }
}

/// Refuses to unset what a running instance relies on; `by` is the one that wants it, whose own proofs know of it.
pub fn relied_on(run: &Run, name: &str, by: Option<Seq>) -> Result<(), Rejection> {
    for instance in run.snapshot.instances.iter().filter(|i| i.outcome.is_none() && Some(i.seq) != by) {
        let relies = run.model.process_by_hash(&instance.hash).is_some_and(|p| p.relies.contains(name));
        // Not yet set is not unset.
        if relies && Slot::find(&run.model.names, name).is_some_and(|s| !current(&run.snapshot, &s).is_null()) {
            return Err(Rejection::ReliedOn { field: name.to_owned(), process: instance.process.clone() });
        }
    }
    Ok(())
}

/// Writes what was read. A state goes through the life cycle, as a person's change.
pub fn write(run: &mut Run, changes: Vec<Change>, instance: Option<Seq>) -> Result<(), Rejection> {
    let (states, others): (Vec<_>, Vec<_>) = changes.into_iter().partition(|c| c.name == "state" && !c.is_field);
    let (locks, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|c| c.name == "lock" && !c.is_field);
    let (types, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|c| c.name == "type" && !c.is_field);
    for change in others {
        if change.name == "customer_user" && !change.is_field {
            let company = change.value.as_str().and_then(|l| run.ctx.people.get(l)).and_then(|p| p.company.clone());
            run.set("customer", company.into(), false);
        }
        run.set(&change.name, change.value, change.is_field);
    }
    for change in types {
        run.retype(change.value.as_str().unwrap_or_default())?;
    }
    for change in locks {
        if !run.lock(change.value == Json::Bool(true)) {
            return Err(Rejection::Form(vec![("lock".into(), FormError::NoSuchPerson)]));
        }
    }
    for change in states {
        if let Some(state) = change.value.as_str() {
            run.set_state(state, true, instance).map_err(refused)?;
        }
    }
    if run.waits_without_time() {
        return Err(Rejection::Form(vec![("pending_until".into(), FormError::Required)]));
    }
    Ok(())
}

/// A state that cannot be set, to a person.
pub fn refused(error: StateError) -> Rejection {
    match error {
        StateError::Refused(r) => r,
        StateError::Failed(_) => Rejection::Form(vec![("state".into(), FormError::Invalid(ValueError::WrongType("another value")))]),
    }
}

/// Adds the form's article; its subject is the dialog's template, in the person's language.
pub fn write_article(
    run: &mut Run,
    filled: Option<(&ArticleField, ArticleInput)>,
    instance: Option<Seq>,
    work: Option<Seq>,
) -> Result<(), Rejection> {
    let Some((field, input)) = filled else { return Ok(()) };
    if input.mail.is_some() {
        // A dialog has no recipients: what it sends, its actions say.
        return Err(Rejection::Form(vec![("to".into(), FormError::Unknown)]));
    }
    let site = run.model.names.site.main_language();
    let subject = match &field.subject {
        Some(template) => template.render(&run.ctx.actor.language, site, &run.scope(instance, work)).unwrap_or_default(),
        None => input.subject.clone(),
    };
    let visible = field.visible.unwrap_or(true);
    add_article(run, ArticleInput { subject, visible, ..input })
}

/// Agents who may write into the ticket send mail from it. What a customer sends by mail comes by the mail's own door.
fn may_send(run: &Run) -> Result<(), Rejection> {
    match run.ctx.actor.kind {
        PersonKind::Customer => Err(Rejection::Form(vec![("to".into(), FormError::Unknown)])),
        PersonKind::Agent => {
            rights::require(&run.model.names, run.ctx.actor, &run.snapshot.ticket, Right::Note)?;
            acl::ask(run, "action", "answer", None)
        }
        PersonKind::System => Ok(()),
    }
}

/// Writes the article, and sends it where it is a mail.
pub fn add_article(run: &mut Run, input: ArticleInput) -> Result<(), Rejection> {
    if input.mail.is_some() {
        may_send(run)?;
    }
    let minutes = input.minutes.filter(|_| run.ctx.actor.kind == PersonKind::Agent);
    let (attachments, blobs): (Vec<_>, Vec<_>) = input.attachments.into_iter().unzip();
    run.blobs.extend(blobs);
    let mut article = Article {
        seq: 0,
        channel: input.channel.unwrap_or_else(|| if input.visible { "web".into() } else { "note".into() }),
        sender: run.sender(),
        author: run.ctx.actor.login.clone(),
        visible: input.visible,
        subject: text::visible(&input.subject),
        body: input.body.replace("\r\n", "\n").replace('\0', ""),
        attachments,
        at: run.ctx.now,
        origin: None,
        head: None,
        withdrawn: false,
        rejected: input.rejected,
        erased: None,
    };
    if let Some(mail) = &input.mail {
        let number = run.next_seq() + 1;
        article.head = Some(Box::new(super::mail::head(run, mail, number)?));
        article.channel = "mail".into();
    }
    let seq = run.add_article(article.clone());
    article.seq = seq;
    super::mail::send(run, &article);
    run.account(minutes.unwrap_or(0).into(), Some(seq));
    Ok(())
}
