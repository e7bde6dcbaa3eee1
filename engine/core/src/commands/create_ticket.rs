//! New tickets: plain ones, and those that a process begins with.

use crate::commands::article::ArticleInput;
use crate::commands::command_data::CreatesTicket;
use crate::commands::{article, form};
use crate::execution::ask;
use crate::execution::at::At;
use crate::execution::context::Context;
use crate::execution::decision::{Decision, Stop};
use crate::execution::run::Run;
use crate::net::new_ticket::{begin, blank, complete_fields, fold_creation, made_by, normal_priority};
use crate::net::values;
use crate::rules::acl::Shape;
use crate::rules::failure::Failure;
use crate::rules::rejection::{FormError, LifeCycleReason, Rejection, RightReason};
use crate::rules::rights;
use crate::rules::slots::{self, Change};
use crate::state::attachment::Blob;
use crate::state::ids::{Login, TicketNumber};
use crate::state::people::PersonKind;
use crate::state::text;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use vorgang_definitions::actions::link::LinkKind;
use vorgang_definitions::actions::set::Set;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::kinds::role::Right;
use vorgang_definitions::kinds::ticket_type::TicketType;
use vorgang_definitions::model::Model;
use vorgang_definitions::name::Name;
use vorgang_definitions::value_error::ValueError;
use vorgang_definitions::value_expr::ValueExpr;
use vorgang_definitions::values::Slot;

/// A ticket without a process.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewTicket {
    pub title: String,
    pub ticket_type: String,
    pub queue: String,
    pub state: Option<String>,
    pub priority: Option<String>,
    pub customer_user: Option<Login>,
    pub fields: BTreeMap<String, Json>,
    pub article: Option<ArticleInput>,
    /// The content of files in `fields`.
    pub blobs: Vec<Blob>,
}

impl CreatesTicket for NewTicket {
    const WORD: &'static str = "create_ticket";

    fn decide(&self, model: &Model, ctx: &Context) -> Result<Decision, Stop> {
        ticket(model, self, ctx)
    }
}

/// A ticket that another one makes, in the same commit. Gives its number.
pub fn beside(run: &mut Run, new: &NewTicket, link: Option<LinkKind>, ctx: &Context) -> Result<TicketNumber, Stop> {
    let made = ticket(run.model, new, ctx)?;
    Ok(made_by(run, made, link))
}

pub fn ticket(model: &Model, new: &NewTicket, ctx: &Context) -> Result<Decision, Stop> {
    let mut run = begin_plain(model, new, ctx)?;
    let done = fill(&mut run, new);
    run.conclude(done)
}

/// The ticket before its values; refused to those who may not create it.
fn begin_plain<'a>(model: &'a Model, new: &NewTicket, ctx: &'a Context<'a>) -> Result<Run<'a>, Rejection> {
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
    if text::is_blank(&new.title) {
        return Err(error("title", FormError::Required));
    }
    Ok(begin(model, ctx, blank(ctx, "", &new.ticket_type, &new.queue, &state, "")?))
}

fn fill(run: &mut Run, new: &NewTicket) -> Result<(), Rejection> {
    let (ctx, names) = (run.ctx, &run.model.names);
    let error = |field: &str, e: FormError| Rejection::Form(vec![(field.to_owned(), e)]);
    let ticket_type = names.types.get(&new.ticket_type).ok_or(Rejection::NotFound)?;
    let priority = new.priority.clone().unwrap_or_else(|| normal_priority(names).to_owned());
    let surplus = |name: &&String| ticket_type.field(name).is_none();
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
        let own = ticket_type.field(name).is_some();
        let attribute = matches!(name.as_str(), "title" | "priority" | "customer_user");
        match Slot::find(names, name).filter(|_| own || attribute) {
            None => errors.push((name.clone(), FormError::Unknown)),
            Some(slot) => match values::read_value(run, &slot, json) {
                Ok(change) => changes.push(change),
                Err(e) => errors.push((name.clone(), e)),
            },
        }
    }
    if !errors.is_empty() {
        return Err(Rejection::Form(errors));
    }
    let chosen = changes.clone();
    form::write(run, changes, None)?;
    complete_fields(run, ticket_type, &new.fields)?;
    acls(run, new, ticket_type, &chosen)?;
    fold_creation(run);
    if let Some(article) = &new.article {
        article::check_article(article).map_err(|(name, e)| error(name, e))?;
        if article::is_empty(article) {
            return Err(error("article", FormError::Required));
        }
        // What a customer writes, the customer can read.
        let visible = article.visible || article.mail.is_some() || ctx.actor.kind == PersonKind::Customer;
        article::add_article(run, ArticleInput { visible, ..article.clone() })?;
    }
    Ok(())
}

/// What ACLs say to a new ticket: to what was chosen, not to what follows from it.
fn acls(run: &Run, new: &NewTicket, ticket_type: &TicketType, chosen: &[Change]) -> Result<(), Rejection> {
    let Some(judge) = ask::judge(run, &run.snapshot, At::Ticket) else { return Ok(()) };
    ask::ask(run, "action", "create", None)?;
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
        if let (true, Some(Shape::Required(denied))) = (slots::current(&run.snapshot, &slot).is_null(), judge.field(name)) {
            errors.push((name.to_owned(), denied.into()));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Rejection::Form(errors)) }
}

/// The new ticket without its first message.
pub fn described(
    title: String,
    ticket_type: &Name,
    queue: &Name,
    values: &Set,
    customer: Option<Login>,
    value: impl Fn(&ValueExpr) -> Result<Option<Value>, Failure>,
) -> Result<NewTicket, Failure> {
    let mut fields = BTreeMap::new();
    for (key, given) in values.iter() {
        if let Some(v) = value(given)? {
            fields.insert(key.to_string(), v.to_json());
        }
    }
    let mut text = |key: &str| fields.remove(key).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    let (state, priority) = (text("state"), text("priority"));
    let customer_user = text("customer_user").map(Login::from).or(customer);
    let (title, ticket_type, queue) = (title.replace(['\r', '\n'], " "), ticket_type.to_string(), queue.to_string());
    Ok(NewTicket { title, ticket_type, queue, state, priority, customer_user, fields, ..NewTicket::default() })
}
