//! The rows that a decision changes: only those, each once, with their final values.

use crate::execution::decision::{Decision, Turn};
use crate::state::article::Article;
use crate::state::attachment::Blob;
use crate::state::event::Event;
use crate::state::ids::Seq;
use crate::state::mail::{Address, Outgoing};
use crate::state::message::Data;
use crate::state::notice::Notice;
use crate::state::snapshot::{Call, Incident, Instance, KeptMessage, Snapshot, Step, Ticket, Timer, Told, Vote, Waits, WorkItem};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeSet;

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
    pub timers_ended: Vec<Seq>,
    /// Work items whose timers go with them.
    pub timers_of: Vec<Seq>,
    /// Which tables have rows of this ticket that are loaded with it.
    pub parts: u8,
    /// With since when.
    pub watchers: Vec<(String, Timestamp)>,
    pub watchers_gone: Vec<String>,
    /// With since when.
    pub participants: Vec<(Address, Timestamp)>,
    pub outgoing: Vec<Outgoing>,
    /// (mail, article): it must not have gone out.
    pub taken_back: Vec<(Seq, Seq)>,
    /// Addresses that were not reached, why and when.
    pub bounced: Vec<(String, String, Timestamp)>,
    pub emitted: Vec<Emitted>,
    pub kept: Vec<KeptMessage>,
    /// Numbers of kept messages that are gone.
    pub kept_gone: Vec<Seq>,
    /// Instances that ended: what they kept goes with them.
    pub kept_of: Vec<Seq>,
    pub mutexes: Mutexes,
    /// Work items that wait for one, or wait no more.
    pub mutex_waits: Vec<(Seq, Option<MutexWait>)>,
    /// Turns of the whole command (`Decision::turns`); decisions within it have none.
    pub turns: Vec<Turn>,
    pub calls: Vec<Call>,
    /// Numbers of calls that are gone.
    pub calls_ended: Vec<Seq>,
    pub incidents: Vec<Incident>,
    pub articles: Vec<Article>,
    /// (the other ticket, what it is to this one, since when)
    pub links: Vec<(i64, String, Timestamp)>,
    pub links_gone: Vec<(i64, String)>,
    /// What somebody was told, and is told once a day.
    pub told: Vec<Told>,
    pub notices: Vec<Notice>,
    /// Notifications whose mail is to be sent again.
    pub mails_wanted: Vec<Seq>,
    pub blobs: Vec<Blob>,
}

/// Mutexes of the site, each by name and key. What is given away comes before what is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Mutexes {
    /// With how many had come to wait for it.
    pub freed: Vec<(String, String, i64)>,
    pub taken: Vec<(String, String)>,
    /// Taken and given away again: it had to be free.
    pub passed: Vec<(String, String)>,
}

impl Mutexes {
    fn take(&mut self, name: &str, key: &str) {
        self.taken.push((name.to_owned(), key.to_owned()));
    }

    fn free(&mut self, name: &str, key: &str, rev: i64) {
        let taken = self.taken.iter().position(|(n, k)| n == name && k == key);
        match taken {
            None => self.freed.push((name.to_owned(), key.to_owned(), rev)),
            Some(at) => {
                let mutex = self.taken.remove(at);
                let had = self.freed.iter().any(|(n, k, _)| (n, k) == (&mutex.0, &mutex.1));
                if !had && !self.passed.contains(&mutex) {
                    self.passed.push(mutex);
                }
            }
        }
    }
}

/// A work item that waits for a mutex of the site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MutexWait {
    pub name: String,
    pub key: String,
    /// The ticket that holds it, by its id: it has to hold it still.
    pub holder: i64,
    pub since: Timestamp,
}

/// A message that is sent.
#[derive(Debug, Clone, Serialize)]
pub struct Emitted {
    pub name: String,
    pub data: Data,
    /// Until when the site keeps it.
    pub until: Option<Timestamp>,
    pub hops: u32,
}

impl Changes {
    pub fn of(decision: &Decision) -> Self {
        let after: &Snapshot = &decision.after;
        let (mut instances, mut work, mut steps, mut incidents) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let (mut votes, mut articles, mut notices): (_, _, Vec<Notice>) = (vec![], vec![], vec![]);
        let (mut timers, mut timers_ended, mut timers_of) = (BTreeSet::new(), vec![], vec![]);
        let (mut watchers, mut watchers_gone, mut mails_wanted, mut links, mut links_gone) = (vec![], vec![], vec![], vec![], vec![]);
        let (mut emitted, mut kept, mut kept_gone, mut ended) = (vec![], BTreeSet::new(), vec![], vec![]);
        let (mut participants, mut outgoing, mut taken_back, mut bounced) = (vec![], vec![], vec![], vec![]);
        let (mut mutexes, mut waits) = (Mutexes::default(), BTreeSet::new());
        let (mut created, mut attributes_changed, mut fields_changed, mut retitled) = (false, false, false, false);
        for event in &decision.events {
            match event {
                Event::TicketCreated { .. } => created = true,
                Event::AttributeSet { name, .. } => {
                    attributes_changed = true;
                    retitled |= name == "title";
                }
                Event::TimeAccounted { .. } => attributes_changed = true,
                Event::FieldSet { .. } => fields_changed = true,
                Event::ArticleAdded { article } => articles.push(article.clone()),
                Event::InstanceStarted { instance } => drop(instances.insert(instance.seq)),
                Event::InstanceEnded { seq, .. } => {
                    instances.insert(*seq);
                    ended.push(*seq);
                }
                Event::WorkEntered { item } => drop(work.insert(item.seq)),
                Event::WorkChanged { seq, .. } => drop(work.insert(*seq)),
                Event::WorkNoted { seq, .. } => {
                    work.insert(*seq);
                    waits.insert(*seq);
                }
                Event::MutexTaken { instance, held } => {
                    instances.insert(*instance);
                    mutexes.take(&held.name, &held.key);
                }
                Event::MutexFreed { instance, name, key, rev } => {
                    instances.insert(*instance);
                    mutexes.free(name, key, *rev);
                }
                Event::InstanceNoted { seq, .. } => drop(instances.insert(*seq)),
                Event::WorkEnded { seq, outcome, .. } => {
                    work.insert(*seq);
                    waits.insert(*seq);
                    if decision.had_timers {
                        timers_of.push(*seq);
                    }
                    if let (Some(_), Some(item)) = (outcome, after.item(*seq)) {
                        steps.insert((item.instance, item.activity.clone()));
                    }
                }
                Event::StepUndone { instance, activity } => drop(steps.insert((*instance, activity.clone()))),
                Event::VoteCast { work, person, outcome, at } => {
                    votes.push(Vote { work: *work, person: person.clone(), outcome: outcome.clone(), at: *at });
                }
                Event::TimerSet { timer } => drop(timers.insert(timer.seq)),
                Event::TimerFired { seq, .. } | Event::TimerEnded { seq } => timers_ended.push(*seq),
                Event::WatcherAdded { person, at } => {
                    watchers_gone.retain(|p| p != person);
                    watchers.push((person.clone(), *at));
                }
                Event::WatcherRemoved { person } => {
                    watchers.retain(|(p, _)| p != person);
                    watchers_gone.push(person.clone());
                }
                Event::ParticipantAdded { participant, at } => participants.push((participant.clone(), *at)),
                Event::MailQueued { outgoing: mail } => outgoing.push(mail.clone()),
                Event::MailTakenBack { mail, article } => taken_back.push((*mail, *article)),
                Event::MailBounced { address, message, at } => bounced.push((address.clone(), message.clone(), *at)),
                Event::IncidentRaised { incident } => drop(incidents.insert(incident.seq)),
                Event::IncidentResolved { seq, .. } => drop(incidents.insert(*seq)),
                Event::NotificationSent { notification } => notices.push(notification.clone()),
                Event::MailWanted { notice } => mails_wanted.push(*notice),
                Event::LinkAdded { other, kind, at, .. } => links.push((*other, kind.clone(), *at)),
                Event::LinkRemoved { other, kind, .. } => links_gone.push((*other, kind.clone())),
                Event::MessageEmitted { name, data, until, hops } => {
                    emitted.push(Emitted { name: name.clone(), data: data.clone(), until: *until, hops: *hops });
                }
                Event::MessageKept { message } => drop(kept.insert(message.seq)),
                Event::MessageGone { seq } => kept_gone.push(*seq),
                Event::DialogSubmitted { .. }
                | Event::TurnTaken { .. }
                | Event::MailEnded { .. }
                | Event::ContentErased { .. }
                | Event::ChildClosed { .. }
                | Event::MessageReceived { .. }
                | Event::TicketMade { .. }
                | Event::TicketMerged { .. }
                | Event::CallWanted { .. }
                | Event::WorkSteered { .. }
                | Event::NobodyFound { .. }
                | Event::CallEnded { .. } => {}
            }
        }
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
fn mutex_wait(after: &Snapshot, seq: Seq) -> Option<(Seq, Option<MutexWait>)> {
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
pub const HAS_INSTANCES: u8 = 1;
pub const HAS_TIMERS: u8 = 2;
pub const HAS_INCIDENTS: u8 = 4;
pub const HAS_WATCHERS: u8 = 8;
pub const HAS_TOLD: u8 = 16;
pub const HAS_CALLS: u8 = 32;
pub const HAS_KEPT: u8 = 64;
pub const HAS_PARTICIPANTS: u8 = 128;

fn parts(after: &Snapshot) -> u8 {
    let bit = |on: bool, bit: u8| if on { bit } else { 0 };
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
        Event::AttributeSet { name, .. } | Event::FieldSet { name, .. } => Some(name.as_str()),
        _ => None,
    })
}
