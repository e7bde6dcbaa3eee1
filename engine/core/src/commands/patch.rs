//! Changes by hand: attributes, fields, articles.

use crate::commands::{article, follow_up_ticket, form};
use crate::execution::ask;
use crate::execution::at::At;
use crate::execution::command::ArticleInput;
use crate::execution::context::Context;
use crate::execution::decision::Remark;
use crate::execution::run::Run;
use crate::net::values;
use crate::rules::acl::Shape;
use crate::rules::follow_up::{self, Fate};
use crate::rules::rejection::{FormError, Rejection};
use crate::rules::rights::{self, Sight};
use crate::rules::slots::{self, Change};
use crate::state::event::{Event, LinkAdded, LinkRemoved};
use crate::state::people::PersonKind;
use serde_json::Value as Json;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use vorgang_definitions::actions::link::LinkKind;
use vorgang_definitions::kinds::role::Right;
use vorgang_definitions::value_error::ValueError;
use vorgang_definitions::values::Slot;

pub fn patch(run: &mut Run, values: &BTreeMap<String, Json>, seen: Option<u64>) -> Result<(), Rejection> {
    let names = &run.model.names;
    // With another type come its fields.
    let to = values.get("type").and_then(Json::as_str).and_then(|t| names.types.get(t));
    let ticket_type = to.or_else(|| names.types.get(&run.snapshot.ticket.ticket_type));
    let mut changes = vec![];
    let mut errors = vec![];
    for (name, json) in values {
        let own = ticket_type.is_some_and(|t| t.fields.iter().any(|f| f.field == name.as_str()));
        let slot = Slot::find(names, name).filter(|s| own || !matches!(s, Slot::Field(_)));
        let required = ticket_type.is_some_and(|t| t.fields.iter().any(|f| f.required && f.field == name.as_str()));
        match slot {
            None => errors.push((name.clone(), FormError::Unknown)),
            Some(slot) => match values::read_value(run, &slot, json) {
                Ok(change) if change.value.is_null() && (slot.always_set() || required) => errors.push((name.clone(), FormError::Required)),
                Ok(change) => changes.push(change),
                Err(e) => errors.push((name.clone(), e)),
            },
        }
    }
    // Rights come before the form: who may not change a field learns nothing about its values.
    for name in values.keys() {
        rights::require(names, run.ctx.actor, &run.snapshot.ticket, rights::right_for(name))?;
    }
    errors.extend(acls(run, &changes, values));
    if !errors.is_empty() {
        return Err(Rejection::Form(errors));
    }
    if let Some(queue) = changes.iter().find(|c| c.name == "queue" && !c.is_field).and_then(|c| c.value.as_str())
        && queue != run.snapshot.ticket.queue
    {
        rights::require_in(names, run.ctx.actor, queue, Right::MoveInto)?;
    }
    form::conflicts(run, &changes, seen)?;
    form::write(run, changes, None)
}

/// `If-Match`: refuses when a value that is written, or a value that it depends on, has changed since this version.
pub fn unchanged_since(run: &Run, values: &BTreeMap<String, Json>, version: u64) -> Result<(), Rejection> {
    match version.cmp(&run.snapshot.version) {
        Ordering::Equal => return Ok(()),
        Ordering::Greater => return Err(Rejection::Stale),
        Ordering::Less => {}
    }
    let changed = run.ctx.changed_since.ok_or(Rejection::NeedsChangesSince(version))?;
    let is_newer = |name: &str| changed.get(name).is_some_and(|v| *v > version);
    let reads = |name: &str| match Slot::find(&run.model.names, name) {
        // Which fields and states a ticket has, its type says.
        Some(Slot::Field(_)) => is_newer("type"),
        _ if name == "state" => is_newer("type") || is_newer("pending_until"),
        // A time to wait for belongs to a pending state.
        _ => name == "pending_until" && is_newer("state"),
    };
    if values.keys().any(|name| is_newer(name) || reads(name)) { Err(Rejection::Stale) } else { Ok(()) }
}

/// What ACLs say to the changes. The whole ticket is the form: what they require and did not before is asked for.
fn acls(run: &Run, changes: &[Change], values: &BTreeMap<String, Json>) -> Vec<(String, FormError)> {
    let trial = slots::with_changes(&run.snapshot, changes.iter().cloned());
    let Some(judge) = ask::judge(run, &trial, At::Ticket) else { return vec![] };
    let mut errors = judge.changes(changes);
    let names = &run.model.names;
    let own = names.types.get(&run.snapshot.ticket.ticket_type).into_iter().flat_map(|t| t.fields.iter().map(|f| f.field.as_str()));
    for name in own.chain(["owner", "responsible", "customer_user", "pending_until"]) {
        let Some(Shape::Required(denied)) = judge.field(name) else { continue };
        let value = Slot::find(names, name).map_or(Json::Null, |s| slots::current(&trial, &s));
        let before = || ask::judge(run, &run.snapshot, At::Ticket).and_then(|j| j.field(name));
        let new = values.contains_key(name) || !matches!(before(), Some(Shape::Required(_)));
        if values::is_unset(&value) && new {
            errors.push((name.to_owned(), denied.into()));
        }
    }
    errors
}

/// Agents watch what they may read; what a customer sees of a ticket comes without asking.
pub fn watch(run: &mut Run, watch: bool) -> Result<(), Rejection> {
    let person = run.ctx.actor.login.clone();
    if watch && !run.snapshot.watchers.contains(&person) {
        rights::require(&run.model.names, run.ctx.actor, &run.snapshot.ticket, Right::Ro)?;
        ask::ask(run, "action", "watch", None)?;
    }
    run.watch(person, watch);
    Ok(())
}

/// By hand, from a ticket that may be changed.
pub fn link(run: &mut Run, other: i64, number: &str, kind: LinkKind, linked: bool) -> Result<(), Rejection> {
    rights::require(&run.model.names, run.ctx.actor, &run.snapshot.ticket, Right::Rw)?;
    if other == run.snapshot.ticket.id {
        return Err(Rejection::Form(vec![("link".into(), FormError::Invalid(ValueError::NotOffered(number.to_owned())))]));
    }
    let (number, kind) = (number.to_owned(), kind.word().to_owned());
    run.emit(if linked {
        Event::LinkAdded(LinkAdded { other, number, kind, at: run.ctx.now })
    } else {
        Event::LinkRemoved(LinkRemoved { other, number, kind })
    });
    Ok(())
}

pub fn article(run: &mut Run, article: &ArticleInput) -> Result<(), Rejection> {
    let names = &run.model.names;
    let error = |e: FormError| Rejection::Form(vec![("article".into(), e)]);
    let visible = match run.ctx.actor.kind {
        // What a customer writes, the customer can read.
        PersonKind::Customer => {
            if rights::sight(names, run.ctx.actor, &run.snapshot) != Sight::Customer {
                return Err(Rejection::NotFound);
            }
            true
        }
        _ => {
            rights::require(names, run.ctx.actor, &run.snapshot.ticket, Right::Note)?;
            article.visible
        }
    };
    let visible = visible || article.mail.is_some();
    ask::ask(run, "action", if visible { "answer" } else { "note" }, None)?;
    if article::is_mute(article) {
        return Err(error(FormError::Required));
    }
    article::check_article(article).map_err(|(name, e)| Rejection::Form(vec![(name.into(), e)]))?;
    let article = ArticleInput { visible, ..article.clone() };
    match run.ctx.actor.kind {
        PersonKind::Customer => follow_up(run, article),
        _ => article::add_article(run, article),
    }
}

/// A customer's message to a closed ticket, treated as the queue's `follow_up` says.
fn follow_up(run: &mut Run, article: ArticleInput) -> Result<(), Rejection> {
    match follow_up::fate(&run.model.names, &run.snapshot.ticket) {
        Fate::Added => article::add_article(run, article),
        Fate::Rejected => {
            run.notice = Some(Remark::Rejected);
            article::add_article(run, ArticleInput { rejected: true, ..article })
        }
        Fate::NewTicket | Fate::Gone => {
            let ctx = Context {
                new_ticket: Some(run.ctx.facts.number().ok_or(Rejection::Gone)?),
                changed_since: None,
                given: run.given(),
                depth: run.ctx.depth + 1,
                ..run.ctx.clone()
            };
            let number = follow_up_ticket::follow_up(run, article, &ctx)?;
            run.notice = Some(Remark::NewTicket(number));
            Ok(())
        }
    }
}
