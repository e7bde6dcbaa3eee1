//! The only thing that changes state: one event on a snapshot. Folding the history gives the rows.

use crate::state::event::Event;
use crate::state::snapshot::{Snapshot, Step, Ticket, Told, Vote, WorkStatus};
use serde_json::Value as Json;
use std::sync::Arc;

/// The snapshot that a ticket's first event makes.
pub fn begin(event: &Event) -> Option<Snapshot> {
    match event {
        Event::TicketCreated { ticket } => Some(Snapshot::new((**ticket).clone())),
        _ => None,
    }
}

pub fn apply(snapshot: &mut Snapshot, event: &Event) {
    match event {
        Event::TicketCreated { ticket } => snapshot.ticket = Arc::new((**ticket).clone()),
        Event::AttributeSet { name, new, .. } => set_attribute(Arc::make_mut(&mut snapshot.ticket), name, new),
        Event::FieldSet { name, new, .. } => {
            let fields = &mut Arc::make_mut(&mut snapshot.ticket).fields;
            if new.is_null() {
                fields.remove(name);
            } else {
                fields.insert(name.clone(), new.clone());
            }
        }
        Event::ArticleAdded { article } => used(snapshot, article.seq),
        Event::TimeAccounted { minutes, .. } => Arc::make_mut(&mut snapshot.ticket).accounted += minutes,
        Event::InstanceStarted { instance } => {
            used(snapshot, instance.seq);
            snapshot.instances.make_mut().push(instance.clone());
        }
        Event::InstanceEnded { seq, outcome, at } => {
            if let Some(i) = snapshot.instances.make_mut().iter_mut().find(|i| i.seq == *seq) {
                i.outcome = Some(outcome.clone());
                i.ended = Some(*at);
            }
            if snapshot.kept.iter().any(|m| m.instance == *seq) {
                snapshot.kept.make_mut().retain(|m| m.instance != *seq);
            }
        }
        Event::WorkEntered { item } => {
            used(snapshot, item.seq);
            snapshot.work.make_mut().push(item.clone());
        }
        Event::WorkChanged { seq, status, claimed_by, epoch, audience } => {
            if let Some(w) = snapshot.work.make_mut().iter_mut().find(|w| w.seq == *seq) {
                w.status = *status;
                w.claimed_by.clone_from(claimed_by);
                w.epoch = *epoch;
                w.audience.clone_from(audience);
            }
        }
        Event::WorkEnded { seq, status, outcome, by, at } => {
            let Some(w) = snapshot.work.make_mut().iter_mut().find(|w| w.seq == *seq) else { return };
            w.status = *status;
            w.audience.clear();
            let (instance, activity, is_copy) = (w.instance, w.activity.clone(), w.copy().is_some());
            let items = w.more.as_ref().map(|m| m.items.clone()).unwrap_or_default();
            if snapshot.timers.iter().any(|t| t.work == Some(*seq)) {
                snapshot.timers.make_mut().retain(|t| t.work != Some(*seq));
            }
            if snapshot.calls.iter().any(|c| c.is_for(*seq)) {
                snapshot.calls.make_mut().retain(|c| !c.is_for(*seq));
            }
            // What a copy did stands in the items of the whole.
            if let (WorkStatus::Done, Some(outcome), false) = (status, outcome, is_copy) {
                let votes = snapshot.votes.iter().filter(|v| v.work == *seq).cloned().collect();
                let order = snapshot.steps.iter().filter(|s| s.instance == instance).map(|s| s.order).max().unwrap_or(0) + 1;
                let step =
                    Step { instance, activity, outcome: outcome.clone(), by: by.clone(), at: *at, order, undone: false, votes, items };
                let steps = snapshot.steps.make_mut();
                match steps.iter_mut().find(|s| s.instance == step.instance && s.activity == step.activity) {
                    Some(last) => *last = step,
                    None => steps.push(step),
                }
            }
        }
        Event::WorkNoted { seq, more } => {
            if let Some(w) = snapshot.work.make_mut().iter_mut().find(|w| w.seq == *seq) {
                w.more = Some(more.clone());
            }
        }
        Event::InstanceNoted { seq, more } => {
            if let Some(i) = snapshot.instances.make_mut().iter_mut().find(|i| i.seq == *seq) {
                i.more = Some(more.clone());
            }
        }
        Event::MutexTaken { instance, held } => {
            if let Some(i) = snapshot.instances.make_mut().iter_mut().find(|i| i.seq == *instance) {
                i.more.get_or_insert_default().held.push(held.clone());
            }
        }
        Event::MutexFreed { instance, name, key, .. } => {
            if let Some(more) = snapshot.instances.make_mut().iter_mut().find(|i| i.seq == *instance).and_then(|i| i.more.as_mut()) {
                more.held.retain(|h| !h.is(name, key));
            }
        }
        Event::StepUndone { instance, activity } => {
            let steps = snapshot.steps.make_mut();
            if let Some(step) = steps.iter_mut().find(|s| s.instance == *instance && s.activity == *activity) {
                step.undone = true;
            }
        }
        Event::VoteCast { work, person, outcome, at } => {
            snapshot.votes.make_mut().push(Vote { work: *work, person: person.clone(), outcome: outcome.clone(), at: *at });
        }
        Event::TimerSet { timer } => {
            used(snapshot, timer.seq);
            let timers = snapshot.timers.make_mut();
            match timers.iter_mut().find(|t| t.seq == timer.seq) {
                Some(t) => *t = timer.clone(),
                None => timers.push(timer.clone()),
            }
        }
        Event::TimerFired { seq, .. } | Event::TimerEnded { seq } => snapshot.timers.make_mut().retain(|t| t.seq != *seq),
        Event::IncidentRaised { incident } => {
            used(snapshot, incident.seq);
            snapshot.incidents.make_mut().push(incident.clone());
        }
        Event::IncidentResolved { seq, at } => {
            if let Some(i) = snapshot.incidents.make_mut().iter_mut().find(|i| i.seq == *seq) {
                i.resolved = Some(*at);
            }
        }
        Event::MessageKept { message } => {
            used(snapshot, message.seq);
            snapshot.kept.make_mut().push(message.clone());
        }
        Event::MessageGone { seq } => snapshot.kept.make_mut().retain(|m| m.seq != *seq),
        Event::CallWanted { call } => {
            used(snapshot, call.seq);
            snapshot.calls.make_mut().push(call.clone());
        }
        Event::CallEnded { seq, .. } => snapshot.calls.make_mut().retain(|c| c.seq != *seq),
        Event::WatcherAdded { person, .. } => {
            let watchers = snapshot.watchers.make_mut();
            if let Err(place) = watchers.binary_search(person) {
                watchers.insert(place, person.clone());
            }
        }
        Event::ParticipantAdded { participant, .. } => {
            let participants = snapshot.participants.make_mut();
            if let Err(place) = participants.binary_search_by(|p| p.key().cmp(&participant.key())) {
                participants.insert(place, participant.clone());
            }
        }
        Event::MailQueued { outgoing } => used(snapshot, outgoing.seq),
        Event::WatcherRemoved { person } => snapshot.watchers.make_mut().retain(|w| w != person),
        Event::NotificationSent { notification: n } => {
            used(snapshot, n.seq);
            let Some(day) = n.day else { return };
            let all = snapshot.told.make_mut();
            match all.iter_mut().find(|t| t.name == n.name && t.to == n.to) {
                Some(told) => told.day = day,
                None => all.push(Told { name: n.name.clone(), to: n.to.clone(), day }),
            }
        }
        Event::DialogSubmitted { .. }
        | Event::MailBounced { .. }
        | Event::MailTakenBack { .. }
        | Event::ContentErased { .. }
        | Event::MailWanted { .. }
        | Event::TicketMade { .. }
        | Event::MailEnded { .. }
        | Event::ChildClosed { .. }
        | Event::MessageEmitted { .. }
        | Event::MessageReceived { .. }
        | Event::TicketMerged { .. }
        | Event::LinkAdded { .. }
        | Event::WorkSteered { .. }
        | Event::NobodyFound { .. }
        | Event::TurnTaken { .. }
        | Event::LinkRemoved { .. } => {}
    }
}

/// One committed command: its events, then the version.
pub fn apply_commit(snapshot: &mut Snapshot, events: &[Event], at: jiff::Timestamp, version: u64) {
    for event in events {
        apply(snapshot, event);
    }
    Arc::make_mut(&mut snapshot.ticket).updated = at;
    snapshot.version = version;
}

fn used(snapshot: &mut Snapshot, seq: u32) {
    snapshot.last_seq = snapshot.last_seq.max(seq);
}

/// Does [`apply`] know what to do with it? A newer release may set attributes, or give them values, that this one does not have.
pub fn knows(event: &Event) -> bool {
    let Event::AttributeSet { name, new, .. } = event else { return true };
    match name.as_str() {
        "title" | "type" | "queue" | "state" | "priority" => new.is_string(),
        "owner" | "responsible" | "customer" | "customer_user" => new.is_string() || new.is_null(),
        "lock" => new.is_boolean(),
        "pending_until" => new.is_null() || new.as_str().is_some_and(|t| t.parse::<jiff::Timestamp>().is_ok()),
        _ => false,
    }
}

fn set_attribute(ticket: &mut Ticket, name: &str, new: &Json) {
    let text = || new.as_str().map(str::to_owned);
    match name {
        "title" => ticket.title = text().unwrap_or_default(),
        "type" => ticket.ticket_type = text().unwrap_or_default(),
        "queue" => ticket.queue = text().unwrap_or_default(),
        "state" => ticket.state = text().unwrap_or_default(),
        "priority" => ticket.priority = text().unwrap_or_default(),
        "owner" => {
            ticket.owner = text();
            ticket.unlocked = false;
        }
        "lock" => ticket.unlocked = new == &Json::Bool(false),
        "responsible" => ticket.responsible = text(),
        "customer" => ticket.customer = text(),
        "customer_user" => ticket.customer_user = text(),
        "pending_until" => ticket.pending_until = text().and_then(|t| t.parse().ok()),
        // Read from the history there is none: see [`knows`].
        _ => debug_assert!(false, "the attribute {name} is not known"),
    }
}

/// The attribute's present value, in the form of [`Event::AttributeSet`].
pub fn attribute(ticket: &Ticket, name: &str) -> Json {
    match name {
        "title" => ticket.title.clone().into(),
        "type" => ticket.ticket_type.clone().into(),
        "queue" => ticket.queue.clone().into(),
        "state" => ticket.state.clone().into(),
        "priority" => ticket.priority.clone().into(),
        "owner" => ticket.owner.clone().into(),
        "responsible" => ticket.responsible.clone().into(),
        "lock" => ticket.lock().into(),
        "customer" => ticket.customer.clone().into(),
        "customer_user" => ticket.customer_user.clone().into(),
        "pending_until" => ticket.pending_until.map(|t| t.to_string()).into(),
        _ => Json::Null,
    }
}
