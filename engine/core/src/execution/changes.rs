//! The rows that a decision changes: only those, each once, with their final values.

use crate::execution::decision::{Decision, Turn};
use crate::state::article::Article;
use crate::state::attachment::Blob;
use crate::state::event::{AttributeSet, Event, FieldSet};
use crate::state::ids::{ArticleId, CallId, InstanceId, KeptId, Login, MailId, NoticeId, Seq, TicketId, TimerId, WorkId};
use crate::state::mail::{Address, Outgoing};
use crate::state::notice::Notice;
use crate::state::snapshot::{Call, Incident, Instance, KeptMessage, Snapshot, Step, Ticket, Told, Vote, Waits, WorkItem};
use crate::state::timer::Timer;
use crate::state::touched::{Emitted, Mutexes, Touched};
use jiff::Timestamp;
use serde::Serialize;

/// What the store writes for one command, beside the history row.
#[derive(Debug, Clone, Serialize)]
pub struct Changes {
    pub ticket: Ticket,
    pub version: u64,
    pub last_seq: Seq,
    pub created: bool,
    /// Which parts of the ticket's row changed.
    pub attributes_changed: bool,
    pub fields_changed: bool,
    /// It has another title.
    pub retitled: bool,
    pub instances: Vec<Instance>,
    pub work: Vec<WorkItem>,
    pub steps: Vec<Step>,
    pub votes: Vec<Vote>,
    pub timers: Vec<Timer>,
    /// Numbers of timers that are gone.
    pub timers_ended: Vec<TimerId>,
    /// Work items whose timers go with them.
    pub timers_of: Vec<WorkId>,
    /// Which tables have rows of this ticket that are loaded with it.
    pub parts: u32,
    /// With since when.
    pub watchers: Vec<(Login, Timestamp)>,
    pub watchers_gone: Vec<Login>,
    /// With since when.
    pub participants: Vec<(Address, Timestamp)>,
    pub outgoing: Vec<Outgoing>,
    /// (mail, article): it must not have gone out.
    pub taken_back: Vec<(MailId, ArticleId)>,
    /// Addresses that were not reached, why and when.
    pub bounced: Vec<(String, String, Timestamp)>,
    pub emitted: Vec<Emitted>,
    pub kept: Vec<KeptMessage>,
    /// Numbers of kept messages that are gone.
    pub kept_gone: Vec<KeptId>,
    /// Instances that ended: what they kept goes with them.
    pub kept_of: Vec<InstanceId>,
    pub mutexes: Mutexes,
    /// Work items that wait for one, or wait no more.
    pub mutex_waits: Vec<(WorkId, Option<MutexWait>)>,
    /// Turns of the whole command (`Decision::turns`); decisions within it have none.
    pub turns: Vec<Turn>,
    pub calls: Vec<Call>,
    /// Numbers of calls that are gone.
    pub calls_ended: Vec<CallId>,
    pub incidents: Vec<Incident>,
    pub articles: Vec<Article>,
    /// (the other ticket, what it is to this one, since when)
    pub links: Vec<(TicketId, String, Timestamp)>,
    pub links_gone: Vec<(TicketId, String)>,
    /// What somebody was told, and is told once a day.
    pub told: Vec<Told>,
    pub notices: Vec<Notice>,
    /// Notifications whose mail is to be sent again.
    pub mails_wanted: Vec<NoticeId>,
    pub blobs: Vec<Blob>,
}

/// A work item that waits for a mutex of the site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MutexWait {
    pub name: String,
    pub key: String,
    /// The ticket that holds it, by its id: it has to hold it still.
    pub holder: TicketId,
    pub since: Timestamp,
}

impl Changes {
    pub fn from_decision(decision: &Decision) -> Self {
        let after: &Snapshot = &decision.after;
        let mut rows = Touched::new(after, decision.had_timers);
        decision.events.iter().for_each(|event| event.touch(&mut rows));
        let Touched {
            instances,
            work,
            steps,
            incidents,
            votes,
            articles,
            notices,
            timers,
            timers_ended,
            timers_of,
            watchers,
            watchers_gone,
            mails_wanted,
            links,
            links_gone,
            emitted,
            kept,
            kept_gone,
            ended,
            participants,
            outgoing,
            taken_back,
            bounced,
            mutexes,
            waits,
            created,
            attributes_changed,
            fields_changed,
            retitled,
            ..
        } = rows;
        let told = notices.iter().filter_map(|n| Some(Told { name: n.name.clone(), to: n.to.clone(), day: n.day? })).collect();
        Self {
            ticket: (*after.ticket).clone(),
            version: after.version,
            last_seq: after.last_seq,
            created,
            attributes_changed,
            fields_changed,
            retitled,
            instances: after.instances.iter().filter(|i| instances.contains(&i.seq)).cloned().collect(),
            work: after.work.iter().filter(|w| work.contains(&w.seq)).cloned().collect(),
            steps: after.steps.iter().filter(|s| steps.contains(&(s.instance, s.activity.clone()))).cloned().collect(),
            votes,
            timers: after.timers.iter().filter(|t| timers.contains(&t.seq)).cloned().collect(),
            // One that was set anew under its number has not ended.
            timers_ended: timers_ended.into_iter().filter(|seq| !after.timers.iter().any(|t| t.seq == *seq)).collect(),
            timers_of,
            parts: parts(after),
            watchers,
            watchers_gone,
            participants,
            outgoing,
            taken_back,
            bounced,
            emitted,
            kept: after.kept.iter().filter(|m| kept.contains(&m.seq)).cloned().collect(),
            kept_gone,
            kept_of: ended,
            mutexes,
            turns: vec![],
            mutex_waits: waits.into_iter().filter_map(|seq| mutex_wait(after, seq)).collect(),
            calls: after.calls.iter().filter(|c| !decision.had_calls.contains(&c.seq)).cloned().collect(),
            calls_ended: decision.had_calls.iter().filter(|seq| !after.calls.iter().any(|c| c.seq == **seq)).copied().collect(),
            incidents: after.incidents.iter().filter(|i| incidents.contains(&i.seq)).cloned().collect(),
            articles,
            links,
            links_gone,
            told,
            notices,
            mails_wanted,
            blobs: decision.blobs.clone(),
        }
    }
}

/// Only of an item that waits for one, or did: others have no such row.
fn mutex_wait(after: &Snapshot, seq: WorkId) -> Option<(WorkId, Option<MutexWait>)> {
    let item = after.item(seq)?;
    let more = item.more.as_ref()?;
    match &more.waits {
        Some(Waits::Mutex { name: Some(name), key: Some(key), ticket }) if item.status.is_open() => {
            let holder = ticket.unwrap_or(after.ticket.id);
            Some((seq, Some(MutexWait { name: name.clone(), key: key.clone(), holder, since: item.entered })))
        }
        _ if more.waited => Some((seq, None)),
        _ => None,
    }
}

/// A ticket without these has nothing to load from their tables.
pub const HAS_INSTANCES: u32 = 1;
pub const HAS_TIMERS: u32 = 2;
pub const HAS_INCIDENTS: u32 = 4;
pub const HAS_WATCHERS: u32 = 8;
pub const HAS_TOLD: u32 = 16;
pub const HAS_CALLS: u32 = 32;
pub const HAS_KEPT: u32 = 64;
pub const HAS_PARTICIPANTS: u32 = 128;

fn parts(after: &Snapshot) -> u32 {
    let bit = |on: bool, bit: u32| if on { bit } else { 0 };
    bit(after.instances.iter().any(|i| i.outcome.is_none()), HAS_INSTANCES)
        | bit(!after.timers.is_empty(), HAS_TIMERS)
        | bit(after.incidents.iter().any(|i| i.resolved.is_none()), HAS_INCIDENTS)
        | bit(!after.watchers.is_empty(), HAS_WATCHERS)
        | bit(!after.told.is_empty(), HAS_TOLD)
        | bit(!after.calls.is_empty(), HAS_CALLS)
        | bit(!after.kept.is_empty(), HAS_KEPT)
        | bit(!after.participants.is_empty(), HAS_PARTICIPANTS)
}

/// Names of attributes and fields that these events changed.
pub fn changed_names(events: &[Event]) -> impl Iterator<Item = &str> {
    events.iter().filter_map(|e| match e {
        Event::AttributeSet(AttributeSet { name, .. }) | Event::FieldSet(FieldSet { name, .. }) => Some(name.as_str()),
        _ => None,
    })
}
