//! The values that expressions read from an event: `event.PART`, and `article.PART` of a message that was written.

use crate::rules::slots::slot_value;
use crate::state::event::{
    ArticleAdded, AttributeSet, CallEnded, ChildClosed, Event, FieldSet, IncidentRaised, InstanceEnded, LinkAdded, LinkRemoved,
    MailBounced, MailEnded, MessageReceived, NobodyFound, TicketMerged, TimeAccounted, VoteCast, WatcherAdded, WatcherRemoved, WorkEnded,
};
use crate::state::happening::Happening;
use crate::state::mail::Auth;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::names::Names;

impl Happening {
    /// `event.PART` of expressions.
    pub fn part(&self, part: &str, names: &Names) -> Option<Value> {
        if let (Event::MessageReceived(MessageReceived { data, .. }), true) = (&self.event, part != "name") {
            return data.get(part)?.value();
        }
        let text = |t: &Option<String>| t.as_deref().map(Value::text);
        match part {
            "name" => Some(Value::text(self.name.as_str())),
            "process" => text(&self.process),
            "activity" => text(&self.activity),
            "by" => self.by.as_deref().map(Value::text),
            "old" | "new" => self.value(part == "new", names),
            "outcome" => match &self.event {
                Event::WorkEnded(WorkEnded { outcome, .. }) => text(outcome),
                Event::VoteCast(VoteCast { outcome, .. }) | Event::InstanceEnded(InstanceEnded { outcome, .. }) => {
                    Some(Value::text(outcome.as_str()))
                }
                _ => None,
            },
            "kind" | "message" => match &self.event {
                Event::IncidentRaised(IncidentRaised { incident }) if part == "kind" => Some(Value::text(incident.kind.as_str())),
                Event::IncidentRaised(IncidentRaised { incident }) => Some(Value::text(incident.message.as_str())),
                Event::CallEnded(CallEnded { message, .. }) | Event::MailEnded(MailEnded { message, .. }) if part == "message" => {
                    text(message)
                }
                Event::MailBounced(MailBounced { message, .. }) if part == "message" => Some(Value::text(message.as_str())),
                Event::LinkAdded(LinkAdded { kind, .. }) | Event::LinkRemoved(LinkRemoved { kind, .. }) if part == "kind" => {
                    Some(Value::text(kind.as_str()))
                }
                _ => None,
            },
            "program" | "output" => match &self.event {
                Event::CallEnded(CallEnded { program, .. }) if part == "program" => Some(Value::text(program.as_str())),
                Event::CallEnded(CallEnded { output, .. }) => text(output),
                _ => None,
            },
            "needed" | "found" => match &self.event {
                Event::NobodyFound(NobodyFound { needed, found, .. }) => {
                    Some(Value::Int(i64::from(if part == "needed" { *needed } else { *found })))
                }
                _ => None,
            },
            "minutes" => match &self.event {
                Event::TimeAccounted(TimeAccounted { minutes, .. }) => Some(Value::Int(*minutes)),
                _ => None,
            },
            "number" => match &self.event {
                Event::ChildClosed(ChildClosed { number, .. }) => Some(Value::text(number.as_str())),
                Event::LinkAdded(LinkAdded { number, .. })
                | Event::LinkRemoved(LinkRemoved { number, .. })
                | Event::TicketMerged(TicketMerged { number, .. }) => Some(Value::text(number.as_str())),
                _ => None,
            },
            "person" => match &self.event {
                Event::MailBounced(MailBounced { address: to, .. }) | Event::MailEnded(MailEnded { to, .. }) => {
                    Some(Value::text(to.as_str()))
                }
                Event::WatcherAdded(WatcherAdded { person, .. }) | Event::WatcherRemoved(WatcherRemoved { person }) => {
                    Some(Value::text(person.as_str()))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn value(&self, new: bool, names: &Names) -> Option<Value> {
        match &self.event {
            Event::AttributeSet(AttributeSet { name, old, new: now }) => slot_value(names, name, false, if new { now } else { old }),
            Event::FieldSet(FieldSet { name, old, new: now }) => slot_value(names, name, true, if new { now } else { old }),
            _ => None,
        }
    }

    /// `article.PART` of expressions.
    pub fn article(&self, part: &str) -> Option<Value> {
        let Event::ArticleAdded(ArticleAdded { article }) = &self.event else { return None };
        Some(match part {
            "sender" => Value::text(article.sender.word()),
            "author" => Value::text(article.author.as_str()),
            "channel" => Value::text(article.channel.as_str()),
            "visible" => Value::Bool(article.visible),
            "subject" => Value::text(article.subject.as_str()),
            "body" => Value::text(article.body.as_str()),
            "address" => Value::text(article.head.as_ref().map_or("", |h| h.from.address.as_str())),
            "authenticated" => Value::Bool(article.head.as_ref().and_then(|h| h.auth.as_ref()).is_some_and(Auth::is_good)),
            "auto" => Value::Bool(article.head.as_ref().is_some_and(|h| h.auto)),
            _ => return None,
        })
    }
}
