//! What handlers are written for: something happened, under the name that definitions use.

use crate::event::Event;
use crate::scope::slot_value;
use crate::snapshot::{Seq, Snapshot, TimerKind, WorkStatus};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::model::Names;

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

    /// It is about one work item, and seen only from where that is.
    pub fn is_exception(&self) -> bool {
        vorgang_definitions::kinds::handler::is_exception(&self.name)
    }

    /// Is it seen from this activity?
    pub fn concerns(&self, activity: &str) -> bool {
        !self.is_exception() || self.activity.as_ref().is_none_or(|a| a == activity)
    }

    /// `event.PART` of expressions.
    pub fn part(&self, part: &str, names: &Names) -> Option<Value> {
        if let (Event::MessageReceived { data, .. }, true) = (&self.event, part != "name") {
            return data.get(part)?.value();
        }
        let text = |t: &Option<String>| t.as_deref().map(Value::text);
        match part {
            "name" => Some(Value::text(self.name.as_str())),
            "process" => text(&self.process),
            "activity" => text(&self.activity),
            "by" => text(&self.by),
            "old" | "new" => self.value(part == "new", names),
            "outcome" => match &self.event {
                Event::WorkEnded { outcome, .. } => text(outcome),
                Event::VoteCast { outcome, .. } | Event::InstanceEnded { outcome, .. } => Some(Value::text(outcome.as_str())),
                _ => None,
            },
            "kind" | "message" => match &self.event {
                Event::IncidentRaised { incident } if part == "kind" => Some(Value::text(incident.kind.as_str())),
                Event::IncidentRaised { incident } => Some(Value::text(incident.message.as_str())),
                Event::CallEnded { message, .. } | Event::MailEnded { message, .. } if part == "message" => text(message),
                Event::MailBounced { message, .. } if part == "message" => Some(Value::text(message.as_str())),
                Event::LinkAdded { kind, .. } | Event::LinkRemoved { kind, .. } if part == "kind" => Some(Value::text(kind.as_str())),
                _ => None,
            },
            "program" | "output" => match &self.event {
                Event::CallEnded { program, .. } if part == "program" => Some(Value::text(program.as_str())),
                Event::CallEnded { output, .. } => text(output),
                _ => None,
            },
            "needed" | "found" => match &self.event {
                Event::NobodyFound { needed, found, .. } => Some(Value::Int(i64::from(if part == "needed" { *needed } else { *found }))),
                _ => None,
            },
            "minutes" => match &self.event {
                Event::TimeAccounted { minutes, .. } => Some(Value::Int(*minutes)),
                _ => None,
            },
            "number" => match &self.event {
                Event::ChildClosed { number, .. } => Some(Value::text(number.as_str())),
                Event::LinkAdded { number, .. } | Event::LinkRemoved { number, .. } | Event::TicketMerged { number, .. } => {
                    Some(Value::text(number.as_str()))
                }
                _ => None,
            },
            "person" => match &self.event {
                Event::MailBounced { address: person, .. }
                | Event::WatcherAdded { person, .. }
                | Event::WatcherRemoved { person }
                | Event::MailEnded { to: person, .. } => Some(Value::text(person.as_str())),
                _ => None,
            },
            _ => None,
        }
    }

    fn value(&self, new: bool, names: &Names) -> Option<Value> {
        match &self.event {
            Event::AttributeSet { name, old, new: now } => slot_value(names, name, false, if new { now } else { old }),
            Event::FieldSet { name, old, new: now } => slot_value(names, name, true, if new { now } else { old }),
            _ => None,
        }
    }

    /// `article.PART` of expressions.
    pub fn article(&self, part: &str) -> Option<Value> {
        let Event::ArticleAdded { article } = &self.event else { return None };
        Some(match part {
            "sender" => Value::text(article.sender.word()),
            "author" => Value::text(article.author.as_str()),
            "channel" => Value::text(article.channel.as_str()),
            "visible" => Value::Bool(article.visible),
            "subject" => Value::text(article.subject.as_str()),
            "body" => Value::text(article.body.as_str()),
            "address" => Value::text(article.head.as_ref().map_or("", |h| h.from.address.as_str())),
            "authenticated" => Value::Bool(article.head.as_ref().and_then(|h| h.auth.as_ref()).is_some_and(crate::mail::Auth::is_good)),
            "auto" => Value::Bool(article.head.as_ref().is_some_and(|h| h.auto)),
            _ => return None,
        })
    }
}
