//! What handlers are written for: something happened, under the name that definitions use.

use crate::state::event::{
    Event, IncidentRaised, InstanceEnded, InstanceStarted, NobodyFound, TimeAccounted, TimerFired, VoteCast, WorkChanged, WorkEnded,
    WorkEntered,
};
use crate::state::ids::{InstanceId, Login, Seq};
use crate::state::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Happening {
    /// As in `on:`.
    pub name: String,
    /// Numbers up to here were given: an activity that was entered later was not under way.
    pub at: Seq,
    /// Where it happened in a process.
    pub instance: Option<InstanceId>,
    pub process: Option<String>,
    pub activity: Option<String>,
    pub by: Option<Login>,
    pub event: Event,
}

impl Happening {
    /// `before` is the snapshot that the event has not changed yet.
    pub fn new(name: String, event: &Event, before: &Snapshot, actor: &Login) -> Self {
        let own = match event {
            Event::WorkEntered(WorkEntered { item }) => item.seq.0,
            Event::InstanceStarted(InstanceStarted { instance }) => instance.seq.0,
            _ => 0,
        };
        let mut happening =
            Self { name, at: before.last_seq.max(own), instance: None, process: None, activity: None, by: None, event: event.clone() };
        let work = match event {
            Event::WorkEntered(WorkEntered { item }) => {
                happening.instance = Some(item.instance);
                happening.activity = Some(item.activity.clone());
                None
            }
            Event::InstanceStarted(InstanceStarted { instance }) => {
                happening.instance = Some(instance.seq);
                happening.process = Some(instance.process.clone());
                None
            }
            Event::InstanceEnded(InstanceEnded { seq, .. }) => {
                happening.instance = Some(*seq);
                None
            }
            Event::WorkChanged(WorkChanged { seq, .. }) | Event::WorkEnded(WorkEnded { seq, .. }) => Some(*seq),
            Event::VoteCast(VoteCast { work, .. }) | Event::NobodyFound(NobodyFound { work, .. }) => Some(*work),
            Event::IncidentRaised(IncidentRaised { incident }) => incident.retry.work(),
            Event::TimerFired(TimerFired { work, .. }) => *work,
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
            Event::WorkChanged(_) => Some(actor.to_owned()),
            Event::WorkEnded(WorkEnded { by, .. }) => Some(by.clone()),
            Event::VoteCast(VoteCast { person, .. }) => Some(person.clone()),
            Event::TimeAccounted(TimeAccounted { by, .. }) => Some(by.clone()),
            _ => None,
        };
        happening
    }

    /// The form in which an incident stores it.
    pub fn stored(&self) -> Json {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Reads the form of [`Happening::stored`]; `None` if a newer release wrote it.
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
