//! The only thing that changes state: one event on a snapshot. Folding the history gives the rows.

use crate::state::event::{AttributeSet, Event, TicketCreated};
use crate::state::snapshot::Snapshot;
use std::sync::Arc;

/// The snapshot that a ticket's first event makes.
pub fn begin(event: &Event) -> Option<Snapshot> {
    match event {
        Event::TicketCreated(TicketCreated { ticket }) => Some(Snapshot::new((**ticket).clone())),
        _ => None,
    }
}

pub fn apply(snapshot: &mut Snapshot, event: &Event) {
    event.apply(snapshot);
}

/// One committed command: its events, then the version.
pub fn apply_commit(snapshot: &mut Snapshot, events: &[Event], at: jiff::Timestamp, version: u64) {
    for event in events {
        apply(snapshot, event);
    }
    Arc::make_mut(&mut snapshot.ticket).updated = at;
    snapshot.version = version;
}

/// Does [`apply`] know what to do with it? A newer release may set attributes, or give them values, that this one does not have.
pub fn knows(event: &Event) -> bool {
    let Event::AttributeSet(AttributeSet { name, new, .. }) = event else { return true };
    match name.as_str() {
        "title" | "type" | "queue" | "state" | "priority" => new.is_string(),
        "owner" | "responsible" | "customer" | "customer_user" => new.is_string() || new.is_null(),
        "lock" => new.is_boolean(),
        "pending_until" => new.is_null() || new.as_str().is_some_and(|t| t.parse::<jiff::Timestamp>().is_ok()),
        _ => false,
    }
}
