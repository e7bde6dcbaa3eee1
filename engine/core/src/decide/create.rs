//! New tickets: plain ones, and those that a process begins with.

use super::Decision;
use super::form::{self, Change};
use super::run::{Failure, Run};
use super::sub_process::NewChild;
use super::submit;
use crate::acl::{self, Judge, Shape};
use crate::command::{ArticleInput, Context, Form, NewTicket};
use crate::event::Event;
use crate::people::PersonKind;
use crate::rejection::{FormError, LifeCycleReason, Rejection, RightReason};
use crate::rights;
use crate::snapshot::{Seq, Snapshot, Ticket, WorkStatus};
use crate::text;
use std::collections::BTreeMap;
use vorgang_definitions::actions::link::LinkKind;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::kinds::process::{Process, Starter, Status};
use vorgang_definitions::kinds::role::Right;
use vorgang_definitions::kinds::ticket_type::TicketType;
use vorgang_definitions::model::{Model, Names, ProcessModel};
use vorgang_definitions::value_expr::ValueExpr;
use vorgang_definitions::values::{Slot, ValueError};

fn blank(ctx: &Context, title: &str, ticket_type: &str, queue: &str, state: &str, priority: &str) -> Result<Ticket, Rejection> {
    let (id, number) = ctx.new_ticket.clone().ok_or(Rejection::NotFound)?;
    let customer = (ctx.actor.kind == PersonKind::Customer).then_some(ctx.actor);
    Ok(Ticket {
        id,
        number,
        title: title.to_owned(),
        ticket_type: ticket_type.to_owned(),
        queue: queue.to_owned(),
        state: state.to_owned(),
        priority: priority.to_owned(),
        owner: None,
        responsible: None,
        unlocked: false,
        accounted: 0,
        customer: customer.and_then(|c| c.company.clone()),
        customer_user: customer.map(|c| c.login.clone()),
        pending_until: None,
        fields: BTreeMap::new(),
        created: ctx.now,
        updated: ctx.now,
    })
}

fn begin<'a>(model: &'a Model, ctx: &'a Context<'a>, ticket: Ticket) -> Run<'a> {
    let mut run = Run::new(model, Snapshot::new(ticket.clone()), None, ctx);
    let created = Event::TicketCreated { ticket: Box::new(ticket) };
    run.happens(&created);
    run.events.push(created);
    run
}

/// The type's defaults for what nothing was said about, then what it requires must be there. A field that was left empty
/// on purpose stays empty.
pub(super) fn complete_fields(
    run: &mut Run,
    ticket_type: &TicketType,
    said: &BTreeMap<String, serde_json::Value>,
) -> Result<(), Rejection> {
    let mut missing = vec![];
    for f in &ticket_type.fields {
        let Some(field) = run.model.names.fields.get(&f.field) else { continue };
        let slot = Slot::Field(field);
        if !form::current(&run.snapshot, &slot).is_null() {
            continue;
        }
        let default = match f.default.as_ref().filter(|_| !said.contains_key(f.field.as_str())) {
            Some(ValueExpr::Literal(l)) => l.get().cloned(),
            Some(ValueExpr::Expr(e)) => e.program().evaluate(&run.scope(None, None)).ok(),
            None => None,
        };
        match default.and_then(|v| vorgang_definitions::values::to_stored(field, &v).ok()) {
            Some(json) => run.set(&field.name, json, true),
            None if f.required => missing.push((f.field.to_string(), FormError::Required)),
            None => {}
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(Rejection::Form(missing)) }
}

/// A ticket that another one makes, in the same commit. Gives its number.
pub fn beside(run: &mut Run, new: &NewTicket, link: Option<LinkKind>, ctx: &Context) -> Result<String, Rejection> {
    let made = ticket(run.model, new, ctx)?;
    Ok(made_by(run, made, link))
}

/// The ticket that takes what a customer writes to a closed one: of the same type and queue, linked to it. Gives its number.
pub(super) fn follow_up(run: &mut Run, article: ArticleInput, ctx: &Context) -> Result<String, Rejection> {
    let old = run.snapshot.ticket.clone();
    let title = match article.subject.trim() {
        "" => &*old.title,
        subject => subject,
    };
    let mut new = by_mail(run.model, title, &old.ticket_type, &old.queue, ctx)?;
    new.set("customer_user", old.customer_user.clone().into(), false);
    new.set("customer", old.customer.clone().into(), false);
    complete(&mut new, &old.ticket_type)?;
    form::add_article(&mut new, article)?;
    let made = new.finish()?;
    Ok(made_by(run, made, Some(LinkKind::Related)))
}

fn made_by(run: &mut Run, made: Decision, link: Option<LinkKind>) -> String {
    let (id, number) = (made.after.ticket.id, made.after.ticket.number.clone());
    run.made.push(made);
    run.emit(Event::TicketMade { id, number: number.clone() });
    if let Some(kind) = link {
        run.link(id, number.clone(), kind.word());
    }
    number
}

/// A child ticket on which a process runs, in the same commit. Gives its number, and that of the instance.
pub(super) fn child(run: &mut Run, new: &NewChild, ctx: &Context) -> Result<(String, Seq), Failure> {
    let failed = |r: Rejection| Failure::new("process", crate::actions::create::say(&r));
    let (def, names) = (&new.process.def, &run.model.names);
    let of = &def.ticket;
    let title = names.site.main_language();
    let title = new.title.clone().unwrap_or_else(|| run.model.title(def.title.as_ref(), &def.name, title).to_owned());
    let (queue, state) = (new.queue.unwrap_or(&of.queue), new.state.unwrap_or(&of.state));
    let mut ticket = blank(ctx, &title.replace(['\r', '\n'], " "), &of.ticket_type, queue, state, new.priority.unwrap_or(&of.priority))
        .map_err(failed)?;
    (ticket.customer_user, ticket.customer) = new.customer.clone();
    let ticket_type = names.types.get(&of.ticket_type).cloned().ok_or_else(|| Failure::new("definition", "its ticket type is gone"))?;
    let mut made = begin(run.model, ctx, ticket);
    let instance = super::sub_process::begin_child(&mut made, new)?;
    complete_fields(&mut made, &ticket_type, &BTreeMap::new()).map_err(failed)?;
    let made = made.finish().map_err(failed)?;
    Ok((made_by(run, made, Some(LinkKind::Child)), instance))
}

pub fn ticket(model: &Model, new: &NewTicket, ctx: &Context) -> Result<Decision, Rejection> {
    let names = &model.names;
    let error = |field: &str, e: FormError| Rejection::Form(vec![(field.to_owned(), e)]);
    let not_offered = |v: &str| FormError::Invalid(ValueError::NotOffered(v.to_owned()));
    let ticket_type = names.types.get(&new.ticket_type).ok_or_else(|| error("type", not_offered(&new.ticket_type)))?;
    if names.queues.get(&new.queue).is_none() {
        return Err(error("queue", not_offered(&new.queue)));
    }
    if ctx.actor.kind == PersonKind::Customer {
        // Customers say what they need; the rest is decided here. A type that a process begins with has its form.
        let by_process = model.processes.values().any(|p| p.def.ticket.ticket_type == new.ticket_type.as_str());
        if new.state.is_some() || new.priority.is_some() || new.customer_user.is_some() || by_process {
            return Err(Rejection::Right(RightReason::CannotStart));
        }
    } else {
        rights::require_in(names, ctx.actor, &new.queue, Right::Create)?;
    }
    let state = match &new.state {
        Some(state) => state.clone(),
        None => names.initial_states(ticket_type).next().unwrap_or("new").to_owned(),
    };
    if names.states.get(&state).is_none() {
        return Err(error("state", not_offered(&state)));
    }
    if !names.initial_states(ticket_type).any(|s| s == state) {
        let why = LifeCycleReason::NoTransition;
        return Err(Rejection::LifeCycle { from: String::new(), to: state, why });
    }
    let priority = new.priority.clone().unwrap_or_else(|| normal_priority(names).to_owned());
    if text::is_blank(&new.title) {
        return Err(error("title", FormError::Required));
    }
    let mut run = begin(model, ctx, blank(ctx, "", &new.ticket_type, &new.queue, &state, "")?);
    let surplus = |name: &&String| !ticket_type.fields.iter().any(|f| f.field == name.as_str());
    let surplus: Vec<_> = new.fields.keys().filter(surplus).map(|n| (n.clone(), FormError::Unknown)).collect();
    if !surplus.is_empty() {
        return Err(Rejection::Form(surplus));
    }
    run.blobs = new.blobs.clone();
    let mut values: BTreeMap<String, serde_json::Value> = new.fields.clone();
    values.insert("title".into(), new.title.trim().into());
    values.insert("priority".into(), priority.into());
    if let (Some(login), false) = (&new.customer_user, ctx.actor.kind == PersonKind::Customer) {
        values.insert("customer_user".into(), login.as_str().into());
    }
    let mut changes = vec![];
    let mut errors = vec![];
    for (name, json) in &values {
        let own = ticket_type.fields.iter().any(|f| f.field == name.as_str());
        let attribute = matches!(name.as_str(), "title" | "priority" | "customer_user");
        match Slot::find(names, name).filter(|_| own || attribute) {
            None => errors.push((name.clone(), FormError::Unknown)),
            Some(slot) => match form::read_value(&run, &slot, json) {
                Ok(change) => changes.push(change),
                Err(e) => errors.push((name.clone(), e)),
            },
        }
    }
    if !errors.is_empty() {
        return Err(Rejection::Form(errors));
    }
    let chosen = changes.clone();
    form::write(&mut run, changes, None)?;
    complete_fields(&mut run, ticket_type, &new.fields)?;
    acls(&run, new, ticket_type, &chosen)?;
    fold_creation(&mut run);
    if let Some(article) = &new.article {
        form::check_article(article).map_err(|(name, e)| error(name, e))?;
        if form::is_empty(article) {
            return Err(error("article", FormError::Required));
        }
        // What a customer writes, the customer can read.
        let visible = article.visible || article.mail.is_some() || ctx.actor.kind == PersonKind::Customer;
        form::add_article(&mut run, crate::command::ArticleInput { visible, ..article.clone() })?;
    }
    run.finish()
}

/// A ticket that a mail makes: its beginning, as its type and queue have it.
pub(super) fn by_mail<'a>(
    model: &'a Model,
    title: &str,
    ticket_type: &str,
    queue: &str,
    ctx: &'a Context<'a>,
) -> Result<Run<'a>, Rejection> {
    let names = &model.names;
    let not_offered =
        |field: &str, v: &str| Rejection::Form(vec![(field.to_owned(), FormError::Invalid(ValueError::NotOffered(v.to_owned())))]);
    let of_type = names.types.get(ticket_type).ok_or_else(|| not_offered("type", ticket_type))?;
    if names.queues.get(queue).is_none() {
        return Err(not_offered("queue", queue));
    }
    let state = names.initial_states(of_type).next().unwrap_or("new");
    Ok(begin(model, ctx, blank(ctx, title, ticket_type, queue, state, normal_priority(names))?))
}

/// The beginning of a ticket is over: what its type wants is there, and was all one event.
pub(super) fn complete(run: &mut Run, ticket_type: &str) -> Result<(), Rejection> {
    let ticket_type = run.model.names.types.get(ticket_type).cloned().ok_or(Rejection::NotFound)?;
    complete_fields(run, &ticket_type, &BTreeMap::new())?;
    fold_creation(run);
    Ok(())
}

/// The one in the middle.
fn normal_priority(names: &Names) -> &str {
    let sum: i64 = names.priorities.iter().map(|p| p.level.value.0).sum();
    let normal = sum / (names.priorities.len().max(1) as i64);
    names.priority_name(normal).unwrap_or_default()
}

/// What ACLs say to a new ticket: to what was chosen, not to what follows from it.
fn acls(run: &Run, new: &NewTicket, ticket_type: &TicketType, chosen: &[Change]) -> Result<(), Rejection> {
    let Some(judge) = Judge::new(run, &run.snapshot, None, None) else { return Ok(()) };
    acl::ask(run, "action", "create", None)?;
    let given = |name: &str| match name {
        "priority" => new.priority.is_some(),
        "customer_user" => new.customer_user.is_some(),
        _ => true,
    };
    let chosen: Vec<Change> = chosen.iter().filter(|c| c.is_field || given(&c.name)).cloned().collect();
    let mut errors = judge.changes(&chosen);
    let words = [("type", Some(&new.ticket_type)), ("queue", Some(&new.queue)), ("state", new.state.as_ref())];
    for (key, value) in words {
        let denied = value.and_then(|v| judge.choice(key).denials(&Value::text(v.as_str())).into_iter().next());
        errors.extend(denied.map(|d| (key.to_owned(), d.into())));
    }
    for name in ticket_type.fields.iter().map(|f| f.field.as_str()) {
        let Some(slot) = Slot::find(&run.model.names, name) else { continue };
        if let (true, Some(Shape::Required(denied))) = (form::current(&run.snapshot, &slot).is_null(), judge.field(name)) {
            errors.push((name.to_owned(), denied.into()));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Rejection::Form(errors)) }
}

/// What was set while the ticket was made belongs to its creation: one event instead of many.
fn fold_creation(run: &mut Run) {
    run.events.retain(|e| !matches!(e, Event::AttributeSet { .. } | Event::FieldSet { .. }));
    let ticket = Box::new((*run.snapshot.ticket).clone());
    let created = Event::TicketCreated { ticket };
    run.happened.clear();
    run.happens(&created);
    if let Some(first) = run.events.first_mut() {
        *first = created;
    }
}

/// The way in which this person may start the process: the activity in which it begins.
pub fn start_for(process: &Process, kind: PersonKind) -> Option<&str> {
    let wanted = match kind {
        PersonKind::Customer => Starter::Customer,
        PersonKind::Agent => Starter::Agent,
        PersonKind::System => return process.starts.first().map(|s| s.at_activity.as_str()),
    };
    process.starts.iter().find(|s| s.by == wanted).map(|s| s.at_activity.as_str())
}

/// Where a process begins that the system starts.
pub fn first(process: &ProcessModel) -> Result<&str, Failure> {
    process.def.first().ok_or_else(|| Failure::new("definition", "the process has no activity"))
}

/// A run in which the process has begun, before its first form: for drawing that form, and for submitting it.
pub fn begin_process<'a>(model: &'a Model, process: &str, ctx: &'a Context<'a>) -> Result<(Run<'a>, u32), Rejection> {
    let process = model.processes.get(process).ok_or(Rejection::NotFound)?;
    let def = &process.def;
    if def.status() != Status::Active {
        return Err(Rejection::Right(RightReason::Inactive));
    }
    let at = start_for(def, ctx.actor.kind).ok_or(Rejection::Right(RightReason::CannotStart))?;
    let t = &def.ticket;
    let title = model.title(def.title.as_ref(), &def.name, model.names.site.main_language()).to_owned();
    let mut run = begin(model, ctx, blank(ctx, &title, &t.ticket_type, &t.queue, &t.state, &t.priority)?);
    acl::ask(&run, "process", &def.name, None)?;
    // What handlers see is the ticket with its first form.
    run.early = true;
    let instance = run.start_instance(process, &ctx.actor.login);
    run.enter(instance, at, None);
    let work = run.snapshot.last_seq;
    Ok((run, work))
}

pub fn process(model: &Model, name: &str, form: &Form, ctx: &Context) -> Result<Decision, Rejection> {
    let (mut run, work) = begin_process(model, name, ctx)?;
    let ticket_type = model.names.types.get(&run.snapshot.ticket.ticket_type).cloned().ok_or(Rejection::NotFound)?;
    // Defaults of the type come first, so that the form and its conditions see them; what is required may still come.
    let _ = complete_fields(&mut run, &ticket_type, &BTreeMap::new());
    run.rest();
    // A form that comes before a program has answered is not there yet.
    let item = run.snapshot.item(work).filter(|w| w.status.is_open() && w.status != WorkStatus::Calling).cloned();
    let given = form.dialog.is_some() || form.outcome.is_some() || !form.values.is_empty() || form.article.is_some();
    // Where the first step is for others, starting only places the token.
    if item.is_some_and(|item| given || first_form_is_for(&run, &item)) {
        submit::submit(&mut run, work, form)?;
    } else if given {
        return Err(Rejection::Form(vec![(String::new(), FormError::Unknown)]));
    } else if ctx.actor.kind == PersonKind::Agent {
        rights::require(&model.names, ctx.actor, &run.snapshot.ticket, Right::Create)?;
    }
    title_from_article(&mut run, form);
    complete_fields(&mut run, &ticket_type, &form.values)?;
    run.finish()
}

/// Has the first activity a dialog for whoever starts it?
pub fn first_form_is_for(run: &Run, item: &crate::snapshot::WorkItem) -> bool {
    let Some(process) = run.process_of(item.instance) else { return false };
    let Some(activity) = process.def.activities.get(&item.activity) else { return false };
    // Where a program has to answer first, starting only places the token.
    if activity.waits_first() {
        return false;
    }
    activity.dialogs.iter().any(|(_, d)| submit::may_use(run, item, activity, d, run.ctx.actor).is_ok())
}

/// The first article's subject says more than the name of the process.
fn title_from_article(run: &mut Run, form: &Form) {
    let subject = run.events.iter().find_map(|e| match e {
        Event::ArticleAdded { article } if !article.subject.is_empty() => Some(article.subject.clone()),
        _ => None,
    });
    if let (Some(subject), false) = (subject, form.values.contains_key("title")) {
        run.set("title", subject.into(), false);
    }
}
