//! The beginning of a ticket.

use crate::execution::at::At;
use crate::execution::context::Context;
use crate::execution::decision::Decision;
use crate::execution::facts::NEW_TICKETS_MAX;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::rules::rejection::{FormError, Rejection};
use crate::rules::slots;
use crate::state::event::{Event, TicketCreated, TicketMade};
use crate::state::ids::{TicketId, TicketNumber};
use crate::state::people::{Person, PersonKind};
use crate::state::snapshot::{Snapshot, Ticket};
use std::collections::BTreeMap;
use vorgang_definitions::actions::link::LinkKind;
use vorgang_definitions::kinds::ticket_type::TicketType;
use vorgang_definitions::model::Model;
use vorgang_definitions::names::Names;
use vorgang_definitions::value_error::ValueError;
use vorgang_definitions::value_expr::ValueExpr;
use vorgang_definitions::values::Slot;

/// How deep tickets may make tickets in one command.
const DEPTH_MAX: u8 = 8;

/// For a ticket that is made by this one, under a number of its own.
pub fn within<'c, 'a: 'c>(run: &mut Run<'a>, system: &'c Person) -> Result<Context<'c>, Failure> {
    if run.ctx.depth >= DEPTH_MAX {
        return Err(Failure::new("loop", format!("more than {DEPTH_MAX} tickets would make each other")));
    }
    let number = run.new_number().ok_or_else(too_many)?;
    Ok(Context { actor: system, ..beside(run, number) })
}

/// For a ticket that this one makes under this number.
pub fn beside<'a>(run: &Run<'a>, number: (TicketId, TicketNumber)) -> Context<'a> {
    Context {
        new_ticket: Some(number),
        numbers_taken: run.numbers_taken() + 1,
        given: run.given(),
        depth: run.ctx.depth + 1,
        ..run.ctx.clone()
    }
}

pub fn too_many() -> Failure {
    Failure::new("create", format!("more than {NEW_TICKETS_MAX} tickets would be made at once"))
}

pub(crate) fn blank(ctx: &Context, title: &str, ticket_type: &str, queue: &str, state: &str, priority: &str) -> Result<Ticket, Rejection> {
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

pub(crate) fn begin<'a>(model: &'a Model, ctx: &'a Context<'a>, ticket: Ticket) -> Run<'a> {
    let mut run = Run::new(model, Snapshot::new(ticket.clone()), None, ctx);
    let created = Event::TicketCreated(TicketCreated { ticket: Box::new(ticket) });
    run.happens(&created);
    run.events.push(created);
    run
}

/// The type's defaults for what nothing was said about, then what it requires must be there. A field that was left empty
/// on purpose stays empty.
pub(crate) fn complete_fields(
    run: &mut Run,
    ticket_type: &TicketType,
    said: &BTreeMap<String, serde_json::Value>,
) -> Result<(), Rejection> {
    let mut missing = vec![];
    for f in &ticket_type.fields {
        let Some(field) = run.model.names.fields.get(&f.field) else { continue };
        let slot = Slot::Field(field);
        if !slots::current(&run.snapshot, &slot).is_null() {
            continue;
        }
        let default = match f.default.as_ref().filter(|_| !said.contains_key(f.field.as_str())) {
            Some(ValueExpr::Literal(l)) => l.value().cloned(),
            Some(ValueExpr::Expr(e)) => e.program().evaluate(&run.scope(At::Ticket)).ok(),
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

pub(crate) fn made_by(run: &mut Run, made: Decision, link: Option<LinkKind>) -> TicketNumber {
    let (id, number) = (made.after.ticket.id, made.after.ticket.number.clone());
    run.made.push(made);
    run.emit(Event::TicketMade(TicketMade { id, number: number.clone() }));
    if let Some(kind) = link {
        run.link(id, number.clone(), kind.word());
    }
    number
}

/// A ticket that a mail makes: its beginning, as its type and queue have it.
pub(crate) fn by_mail<'a>(
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
pub(crate) fn complete(run: &mut Run, ticket_type: &str) -> Result<(), Rejection> {
    let ticket_type = run.model.names.types.get(ticket_type).cloned().ok_or(Rejection::NotFound)?;
    complete_fields(run, &ticket_type, &BTreeMap::new())?;
    fold_creation(run);
    Ok(())
}

/// The one in the middle.
pub(crate) fn normal_priority(names: &Names) -> &str {
    let sum: i64 = names.priorities.iter().map(|p| p.level.value.0).sum();
    let normal = sum / (names.priorities.len().max(1) as i64);
    names.priority_name(normal).unwrap_or_default()
}

/// What was set while the ticket was made belongs to its creation: one event instead of many.
pub(crate) fn fold_creation(run: &mut Run) {
    run.events.retain(|e| !matches!(e, Event::AttributeSet(_) | Event::FieldSet(_)));
    let ticket = Box::new((*run.snapshot.ticket).clone());
    let created = Event::TicketCreated(TicketCreated { ticket });
    run.reactions.happened.clear();
    run.happens(&created);
    if let Some(first) = run.events.first_mut() {
        *first = created;
    }
}

impl Run<'_> {
    /// Another type: it has to know the ticket's state, and no process may run that is for the old one. Its defaults are
    /// filled in, what it requires has to be there, and fields that it does not have keep their values.
    pub fn retype(&mut self, name: &str) -> Result<(), Rejection> {
        if self.snapshot.ticket.ticket_type == name {
            return Ok(());
        }
        let wrong = |name: &str, value: &str| {
            Rejection::Form(vec![(name.to_owned(), FormError::Invalid(ValueError::NotOffered(value.to_owned())))])
        };
        let new = self.model.names.types.get(name).ok_or_else(|| wrong("type", name))?;
        if !new.has_state(&self.snapshot.ticket.state) {
            return Err(wrong("state", &self.snapshot.ticket.state));
        }
        let running = self.snapshot.instances.iter().find(|i| i.outcome.is_none());
        if let Some(instance) = running {
            return Err(Rejection::ReliedOn { field: "type".into(), process: instance.process.clone() });
        }
        self.set("type", name.into(), false);
        complete_fields(self, new, &Default::default())
    }
}
