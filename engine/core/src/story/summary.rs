//! An event in one line, for logs of tests.

use crate::state::event::Event;
use serde_json::Value as Json;
use vorgang_definitions::display::{display, display_time};
use vorgang_definitions::names::Names;
use vorgang_definitions::values::from_stored;

/// A stored value as people write it: an amount with its point.
fn plain(names: &Names, name: &str, stored: &Json) -> String {
    let value = names.fields.get(name).and_then(|field| from_stored(field, stored));
    match (value, stored) {
        (Some(value), _) => display(&value, "en", &names.site.zone.0),
        (None, Json::String(text)) => text.clone(),
        (None, Json::Null) => "not set".into(),
        (None, other) => other.to_string(),
    }
}

/// One line for logs of tests; amounts and times as people write them, in the site's zone.
pub fn summary(event: &Event, names: &Names) -> String {
    match event {
        Event::TicketCreated { ticket } => format!("ticket {} created in {}", ticket.number, ticket.queue),
        Event::AttributeSet { name, new, .. } | Event::FieldSet { name, new, .. } => format!("{name} = {}", plain(names, name, new)),
        Event::ArticleAdded { article } => format!("article by {}: {}", article.author, article.subject),
        Event::TimeAccounted { minutes, by, .. } => format!("{minutes} minutes by {by}"),
        Event::InstanceStarted { instance } => format!("process {} started", instance.process),
        Event::InstanceEnded { outcome, .. } => format!("process ended: {outcome}"),
        Event::WorkEntered { item } => format!("{} entered ({})", item.activity, item.status.word()),
        Event::WorkChanged { seq, status, claimed_by, .. } => {
            format!("work {seq} {}{}", status.word(), claimed_by.as_ref().map_or(String::new(), |c| format!(", claimed by {c}")))
        }
        Event::WorkEnded { seq, status, outcome, .. } => format!("work {seq} {} {}", status.word(), outcome.as_deref().unwrap_or("")),
        Event::WorkNoted { seq, .. } => format!("work {seq} is noted"),
        Event::InstanceNoted { seq, .. } => format!("process {seq} is noted"),
        Event::WorkSteered { activity, hand, reason, .. } => format!("{activity} by hand: {hand} ({reason})"),
        Event::TurnTaken { place, person, .. } => format!("{person} is next at {place}"),
        Event::MutexTaken { held, .. } => format!("mutex {} of {} is taken", held.name, held.key),
        Event::MutexFreed { name, key, .. } => format!("mutex {name} of {key} is free"),
        Event::NobodyFound { needed, found, .. } => format!("{needed} people are needed, {found} are there"),
        Event::StepUndone { activity, .. } => format!("{activity} is undone"),
        Event::DialogSubmitted { dialog, outcome, .. } => format!("dialog {dialog} submitted: {outcome}"),
        Event::VoteCast { person, outcome, .. } => format!("{person} votes {outcome}"),
        Event::TimerSet { timer } => format!("timer {} at {}", timer.seq, display_time(timer.due, "en", &names.site.zone.0)),
        Event::TimerFired { seq, .. } => format!("timer {seq} fires"),
        Event::TimerEnded { seq } => format!("timer {seq} is taken back"),
        Event::WatcherAdded { person, .. } => format!("{person} watches"),
        Event::WatcherRemoved { person } => format!("{person} no longer watches"),
        Event::IncidentRaised { incident } => format!("incident: {}", incident.message),
        Event::IncidentResolved { seq, .. } => format!("incident {seq} resolved"),
        Event::NotificationSent { notification } => format!("{} to {}", notification.name, notification.to),
        Event::TicketMade { number, .. } => format!("ticket {number} made"),
        Event::ChildClosed { number, last } => format!("its {}child {number} was closed", if *last { "last open " } else { "" }),
        Event::TicketMerged { number, into: true, .. } => format!("merged into {number}"),
        Event::TicketMerged { number, .. } => format!("{number} merged into it"),
        Event::LinkAdded { number, kind, .. } => format!("{kind} ticket {number} linked"),
        Event::LinkRemoved { number, kind, .. } => format!("{kind} ticket {number} no longer linked"),
        Event::MailEnded { to, message: None, .. } => format!("mail to {to} was sent"),
        Event::MailEnded { to, message: Some(why), .. } => format!("mail to {to} was given up: {why}"),
        Event::MessageEmitted { name, .. } => format!("message {name} is sent"),
        Event::MessageReceived { name, .. } => format!("message {name} has come"),
        Event::MessageKept { message } => format!("message {} is kept", message.name),
        Event::MessageGone { seq } => format!("message {seq} is kept no more"),
        Event::CallWanted { call } => format!("program {} is to run", call.program),
        Event::CallEnded { program, message: None, .. } => format!("program {program} has answered"),
        Event::CallEnded { program, message: Some(why), .. } => format!("program {program} has failed: {why}"),
        Event::MailWanted { .. } => "the mail is sent again".into(),
        Event::MailQueued { outgoing } => {
            format!("mail to {}", outgoing.to.iter().map(|a| a.address.as_str()).collect::<Vec<_>>().join(", "))
        }
        Event::ContentErased { article, reason, .. } => format!("content of article {article} is removed: {reason}"),
        Event::MailTakenBack { article, .. } => format!("article {article} is taken back"),
        Event::MailBounced { address, message, .. } => format!("mail to {address} came back: {message}"),
        Event::ParticipantAdded { participant, .. } => format!("{} takes part", participant.address),
    }
}
