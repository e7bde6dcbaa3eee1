//! Forms: what a person sends is read against the dialog, whole, before anything is written.

use crate::commands::article::{ArticleInput, WrongInput, check_article, is_empty, is_mute};
use crate::execution::ask;
use crate::execution::at::At;
use crate::execution::run::Run;
use crate::net::life_cycle::StateError;
use crate::net::values::{is_unset, read_value, relied_on, stored};
use crate::rules::acl::Shape;
use crate::rules::rejection::{FormError, Rejection};
use crate::rules::scope::TicketScope;
use crate::rules::slots::{Change, current, with_changes};
use crate::state::attachment::Blob;
use crate::state::ids::InstanceId;
use crate::state::message::{self, Datum};
use crate::state::people::PersonKind;
use crate::state::snapshot::{Snapshot, WorkItem};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use vorgang_definitions::cel::expr::Expr;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::kinds::message::DataType;
use vorgang_definitions::kinds::process::{ArticleField, AskTime, FormField};
use vorgang_definitions::value_error::ValueError;
use vorgang_definitions::value_expr::ValueExpr;
use vorgang_definitions::values::Slot;

/// A form as a person sends it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Form {
    /// May be left out where there is one.
    pub dialog: Option<String>,
    pub outcome: Option<String>,
    pub values: BTreeMap<String, Json>,
    pub article: Option<ArticleInput>,
    /// The version of the ticket from which the form was drawn.
    pub seen: Option<u64>,
    /// The epoch of the work item from which the form was drawn.
    pub epoch: Option<u32>,
    pub blobs: Vec<Blob>,
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
pub fn trial(run: &Run, fields: &[FormField], form: &Form, at: At) -> Snapshot {
    let read = |field: &FormField| {
        let name = field.field.as_ref()?;
        let slot = Slot::find(&run.model.names, name)?;
        match form.values.get(name.as_str()) {
            Some(json) => read_value(run, &slot, json).ok(),
            // What is not sent gets its default, as it is written.
            None if current(&run.snapshot, &slot).is_null() => default(run, field, &slot, at),
            None => None,
        }
    };
    with_changes(&run.snapshot, fields.iter().filter_map(read))
}

/// Does the condition hold in the trial? What cannot be evaluated yet is left to `otherwise`.
pub fn holds_in(run: &Run, trial: &Snapshot, when: Option<&Expr>, at: At, otherwise: bool) -> bool {
    let Some(when) = when else { return true };
    let scope = TicketScope { snapshot: trial, ..run.scope(at) };
    when.program().holds(&scope).unwrap_or(otherwise)
}

/// The dialog's fields that are there now, by their `when`.
pub fn present<'p>(run: &Run, fields: &'p [FormField], trial: &Snapshot, at: At) -> Vec<&'p FormField> {
    fields.iter().filter(|f| holds_in(run, trial, f.when.as_ref(), at, true)).collect()
}

pub fn read<'p>(run: &Run, fields: &'p [FormField], form: &Form, at: At) -> Result<Filled<'p>, Rejection> {
    let trial = trial(run, fields, form, at);
    let judge = ask::judge(run, &trial, at);
    let shape = |name: &str| judge.as_ref().and_then(|j| j.field(name));
    let present = present(run, fields, &trial, at);
    let mut errors: Vec<(String, FormError)> = vec![];
    let known = |name: &str| present.iter().any(|f| f.field.as_ref().or(f.data.as_ref()).is_some_and(|n| *n == name));
    for name in form.values.keys().filter(|n| !known(n)) {
        errors.push((name.clone(), FormError::Unknown));
    }
    let mut filled = Filled::default();
    for field in present {
        if let Some(name) = &field.data {
            match own_value(run, name, field, form, at.instance()) {
                Ok(value) => filled.data.push((name.to_string(), value)),
                Err(error) => errors.push((name.to_string(), error)),
            }
            continue;
        }
        match (&field.field, &field.article) {
            (Some(name), _) => match change(run, name, field, form, at, shape(name)) {
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
fn own_value(run: &Run, name: &str, field: &FormField, form: &Form, instance: Option<InstanceId>) -> Result<Option<Datum>, FormError> {
    let of = data_type(run, name, field, instance).ok_or(FormError::Unknown)?;
    let given = form.values.get(name).map(|json| of.read_form(json)).transpose().map_err(FormError::Invalid)?.flatten();
    let value = given.or_else(|| (of == DataType::Boolean).then_some(Value::Bool(false)));
    if value.is_none() && field.required {
        return Err(FormError::Required);
    }
    Ok(value.as_ref().and_then(Datum::from_value))
}

/// The type of a value of the process, or of a copy.
pub fn data_type(run: &Run, name: &str, field: &FormField, instance: Option<InstanceId>) -> Option<DataType> {
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

fn change(run: &Run, name: &str, field: &FormField, form: &Form, at: At, shape: Option<Shape>) -> Result<Option<Change>, FormError> {
    let slot = Slot::find(&run.model.names, name).ok_or(FormError::Unknown)?;
    let now = current(&run.snapshot, &slot);
    // What the form does not have needs no value; what is sent all the same is judged as a change.
    if matches!(shape, Some(Shape::Hidden(_) | Shape::ReadOnly(_))) {
        return form.values.get(name).map(|json| read_value(run, &slot, json)).transpose();
    }
    let change = match form.values.get(name) {
        Some(json) => Some(read_value(run, &slot, json)?),
        None if now.is_null() => default(run, field, &slot, at),
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
pub fn default(run: &Run, field: &FormField, slot: &Slot, at: At) -> Option<Change> {
    let value = match field.default.as_ref()? {
        ValueExpr::Literal(l) => l.value().cloned(),
        ValueExpr::Expr(e) => e.program().evaluate(&run.scope(at)).ok(),
    }?;
    stored(run, slot, Some(value)).ok()
}

/// Refuses what somebody else changed since the form was drawn, and what a running process relies on.
pub fn conflicts(run: &mut Run, changes: &[Change], seen: Option<u64>) -> Result<(), Rejection> {
    let mut both = vec![];
    for change in changes {
        let slot = Slot::find(&run.model.names, &change.name);
        let now = slot.as_ref().map_or(Json::Null, |s| current(&run.snapshot, s));
        if now == change.value {
            continue;
        }
        if let Some(seen) = seen.filter(|s| *s < run.snapshot.version) {
            let Some(changed) = run.known(run.ctx.facts.changes(run.snapshot.ticket.id, seen)) else { return Ok(()) };
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

/// Writes what was read. A state goes through the life cycle, as a person's change.
pub fn write(run: &mut Run, changes: Vec<Change>, instance: Option<InstanceId>) -> Result<(), Rejection> {
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
