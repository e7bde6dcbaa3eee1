//! What handlers are written for: something happened, under the name that definitions use.

use crate::state::event::Event;
use crate::state::ids::Seq;
use crate::state::snapshot::{Snapshot, TimerKind, WorkStatus};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::borrow::Cow;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Happening {
    /// As in `on:`.
    pub name: String,
    /// Numbers up to here were given: an activity that was entered later was not under way.
    pub at: Seq,
    /// Where it happened in a process.
    pub instance: Option<Seq>,
    pub process: Option<String>,
    pub activity: Option<String>,
    pub by: Option<String>,
    pub event: Event,
}

pub const CHILDREN_CLOSED: &str = "ticket.children_closed";

/// The names of definitions for this event, on the snapshot before it; `None` where handlers cannot be written for it.
pub fn name(event: &Event, before: &Snapshot) -> Option<Cow<'static, str>> {
    let fixed = match event {
        Event::AttributeSet { name, .. } if name == "customer" => return None,
        Event::AttributeSet { name, .. } | Event::FieldSet { name, .. } => return Some(format!("ticket.{name}_changed").into()),
        Event::TicketCreated { .. } => "ticket.created",
        Event::ArticleAdded { article } if article.rejected => "article.rejected",
        Event::ArticleAdded { .. } => "article.created",
        Event::TimeAccounted { .. } => "ticket.time_accounted",
        Event::InstanceStarted { .. } => "process.started",
        Event::InstanceEnded { .. } => "process.ended",
        Event::WorkEntered { item } if item.status != WorkStatus::Waiting => "work.entered",
        Event::WorkChanged { seq, claimed_by, .. } => match (&before.item(*seq)?.claimed_by, claimed_by) {
            (old, Some(new)) if old.as_ref() != Some(new) => "work.claimed",
            (Some(_), None) => "work.released",
            _ => return None,
        },
        Event::WorkEnded { status: WorkStatus::Done, outcome: Some(_), .. } => "work.completed",
        Event::WorkEnded { status: WorkStatus::Cancelled, .. } => "work.cancelled",
        Event::VoteCast { .. } => "vote.cast",
        Event::TimerFired { kind: TimerKind::Pending, .. } => "ticket.pending_reached",
        Event::TimerFired { kind: TimerKind::Unlock, .. } => "ticket.unlock_reached",
        Event::TimerFired { .. } => "timer.fired",
        Event::MailEnded { message: None, .. } => "mail.sent",
        Event::MailEnded { .. } => "mail.failed",
        Event::CallEnded { output: Some(_), .. } => "program.answered",
        Event::CallEnded { .. } => "program.failed",
        Event::MailBounced { .. } => "mail.bounced",
        Event::IncidentRaised { .. } => "incident.raised",
        Event::IncidentResolved { .. } => "incident.resolved",
        Event::NobodyFound { .. } => "nobody",
        Event::ChildClosed { last: true, .. } => CHILDREN_CLOSED,
        Event::TicketMerged { into: true, .. } => "ticket.merged",
        Event::TicketMerged { into: false, .. } => "ticket.joined",
        Event::LinkAdded { .. } => "link.added",
        Event::LinkRemoved { .. } => "link.removed",
        Event::WatcherAdded { .. } => "watcher.added",
        Event::WatcherRemoved { .. } => "watcher.removed",
        Event::WorkEntered { .. }
        | Event::WorkEnded { .. }
        | Event::DialogSubmitted { .. }
        | Event::TimerSet { .. }
        | Event::TimerEnded { .. }
        | Event::NotificationSent { .. }
        | Event::TicketMade { .. }
        | Event::CallWanted { .. }
        | Event::ChildClosed { .. }
        | Event::MessageEmitted { .. }
        | Event::MessageReceived { .. }
        | Event::MessageKept { .. }
        | Event::MessageGone { .. }
        | Event::StepUndone { .. }
        | Event::WorkNoted { .. }
        | Event::WorkSteered { .. }
        | Event::MutexTaken { .. }
        | Event::TurnTaken { .. }
        | Event::MutexFreed { .. }
        | Event::InstanceNoted { .. }
        | Event::MailQueued { .. }
        | Event::MailTakenBack { .. }
        | Event::ContentErased { .. }
        | Event::ParticipantAdded { .. }
        | Event::MailWanted { .. } => return None,
    };
    Some(fixed.into())
}

impl Happening {
    /// `before` is the snapshot that the event has not changed yet.
    pub fn new(name: String, event: &Event, before: &Snapshot, actor: &str) -> Self {
        let own = match event {
            Event::WorkEntered { item } => item.seq,
            Event::InstanceStarted { instance } => instance.seq,
            _ => 0,
        };
        let mut happening =
            Self { name, at: before.last_seq.max(own), instance: None, process: None, activity: None, by: None, event: event.clone() };
        let work = match event {
            Event::WorkEntered { item } => {
                happening.instance = Some(item.instance);
                happening.activity = Some(item.activity.clone());
                None
            }
            Event::InstanceStarted { instance } => {
                happening.instance = Some(instance.seq);
                happening.process = Some(instance.process.clone());
                None
            }
            Event::InstanceEnded { seq, .. } => {
                happening.instance = Some(*seq);
                None
            }
            Event::WorkChanged { seq, .. } | Event::WorkEnded { seq, .. } => Some(*seq),
            Event::VoteCast { work, .. } | Event::NobodyFound { work, .. } => Some(*work),
            Event::IncidentRaised { incident } => incident.retry.work(),
            Event::TimerFired { work, .. } => *work,
            _ => None,
        };
        if let Some(item) = work.and_then(|w| before.item(w)) {
            happening.instance = Some(item.instance);
            happening.activity = Some(item.activity.clone());
        }
        if let Some(instance) = happening.instance.and_then(|i| before.instance(i)) {
            happening.process = Some(instance.process.clone());
        }
        happening.by = match event {
            Event::WorkChanged { .. } => Some(actor.to_owned()),
            Event::WorkEnded { by, .. } => Some(by.clone()),
            Event::VoteCast { person, .. } => Some(person.clone()),
            Event::TimeAccounted { by, .. } => Some(by.clone()),
            _ => None,
        };
        happening
    }

    /// As an incident keeps it.
    pub fn stored(&self) -> Json {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// From what [`Happening::stored`] wrote; `None` where a newer release wrote it.
    pub fn read(stored: &Json) -> Option<Self> {
        serde_json::from_value(stored.clone()).ok()
    }

    /// It is about one work item, and seen only from where that is.
    pub fn is_exception(&self) -> bool {
        vorgang_definitions::kinds::handler::is_exception(&self.name)
    }

    /// Is it seen from this activity?
    pub fn concerns(&self, activity: &str) -> bool {
        !self.is_exception() || self.activity.as_ref().is_none_or(|a| a == activity)
    }
}
