//! ChangesTicket by hand: attributes, fields, articles.

use crate::commands::command_data::ChangesTicket;
use crate::commands::form;
use crate::execution::ask;
use crate::execution::at::At;
use crate::execution::run::Run;
use crate::net::values;
use crate::rules::acl::Shape;
use crate::rules::rejection::{FormError, Rejection};
use crate::rules::rights;
use crate::rules::slots::{self, Change};
use crate::state::attachment::Blob;
use serde_json::Value as Json;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use vorgang_definitions::kinds::role::Right;
use vorgang_definitions::values::Slot;

/// Attributes and fields, by a person.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchTicket {
    pub values: BTreeMap<String, Json>,
    /// The version that the person saw: other people's later changes of the same values conflict.
    pub seen: Option<u64>,
    /// The version that `If-Match` names: what is read or written here must not have changed since.
    pub expected: Option<u64>,
    /// The content of files among the values.
    pub blobs: Vec<Blob>,
}

impl ChangesTicket for PatchTicket {
    const WORD: &'static str = "patch_ticket";

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        if let Some(expected) = self.expected {
            unchanged_since(run, &self.values, expected)?;
        }
        run.blobs = self.blobs.clone();
        patch(run, &self.values, self.seen)
    }
}

fn patch(run: &mut Run, values: &BTreeMap<String, Json>, seen: Option<u64>) -> Result<(), Rejection> {
    let names = &run.model.names;
    // With another type come its fields.
    let to = values.get("type").and_then(Json::as_str).and_then(|t| names.types.get(t));
    let ticket_type = to.or_else(|| names.types.get(&run.snapshot.ticket.ticket_type));
    let mut changes = vec![];
    let mut errors = vec![];
    for (name, json) in values {
        let own = ticket_type.is_some_and(|t| t.field(name).is_some());
        let slot = Slot::find(names, name).filter(|s| own || !matches!(s, Slot::Field(_)));
        let required = ticket_type.is_some_and(|t| t.field(name).is_some_and(|f| f.required));
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
fn unchanged_since(run: &mut Run, values: &BTreeMap<String, Json>, version: u64) -> Result<(), Rejection> {
    match version.cmp(&run.snapshot.version) {
        Ordering::Equal => return Ok(()),
        Ordering::Greater => return Err(Rejection::Stale),
        Ordering::Less => {}
    }
    let Some(changed) = run.known(run.ctx.facts.changes(run.snapshot.ticket.id, version)) else { return Ok(()) };
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
