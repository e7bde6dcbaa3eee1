//! The rows that the events of one decision change: by their numbers where the snapshot has their values, else whole.

use crate::state::article::Article;
use crate::state::ids::{ArticleId, IncidentId, InstanceId, KeptId, Login, MailId, NoticeId, TicketId, TimerId, WorkId};
use crate::state::mail::{Address, Outgoing};
use crate::state::message::Data;
use crate::state::notice::Notice;
use crate::state::snapshot::{Snapshot, Vote};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeSet;

pub struct Touched<'a> {
    /// The ticket after all events.
    pub after: &'a Snapshot,
    /// The ticket had timers before, or got some.
    pub had_timers: bool,
    pub created: bool,
    pub attributes_changed: bool,
    pub fields_changed: bool,
    pub retitled: bool,
    pub instances: BTreeSet<InstanceId>,
    pub work: BTreeSet<WorkId>,
    pub steps: BTreeSet<(InstanceId, String)>,
    pub incidents: BTreeSet<IncidentId>,
    pub votes: Vec<Vote>,
    pub articles: Vec<Article>,
    pub notices: Vec<Notice>,
    pub timers: BTreeSet<TimerId>,
    pub timers_ended: Vec<TimerId>,
    pub timers_of: Vec<WorkId>,
    pub watchers: Vec<(Login, Timestamp)>,
    pub watchers_gone: Vec<Login>,
    pub mails_wanted: Vec<NoticeId>,
    pub links: Vec<(TicketId, String, Timestamp)>,
    pub links_gone: Vec<(TicketId, String)>,
    pub emitted: Vec<Emitted>,
    pub kept: BTreeSet<KeptId>,
    pub kept_gone: Vec<KeptId>,
    /// Instances that ended.
    pub ended: Vec<InstanceId>,
    pub participants: Vec<(Address, Timestamp)>,
    pub outgoing: Vec<Outgoing>,
    pub taken_back: Vec<(MailId, ArticleId)>,
    pub bounced: Vec<(String, String, Timestamp)>,
    pub mutexes: Mutexes,
    /// Work items that may wait for a mutex of the site, or did.
    pub waits: BTreeSet<WorkId>,
}

impl<'a> Touched<'a> {
    pub fn new(after: &'a Snapshot, had_timers: bool) -> Self {
        Self {
            after,
            had_timers,
            created: false,
            attributes_changed: false,
            fields_changed: false,
            retitled: false,
            instances: BTreeSet::new(),
            work: BTreeSet::new(),
            steps: BTreeSet::new(),
            incidents: BTreeSet::new(),
            votes: vec![],
            articles: vec![],
            notices: vec![],
            timers: BTreeSet::new(),
            timers_ended: vec![],
            timers_of: vec![],
            watchers: vec![],
            watchers_gone: vec![],
            mails_wanted: vec![],
            links: vec![],
            links_gone: vec![],
            emitted: vec![],
            kept: BTreeSet::new(),
            kept_gone: vec![],
            ended: vec![],
            participants: vec![],
            outgoing: vec![],
            taken_back: vec![],
            bounced: vec![],
            mutexes: Mutexes::default(),
            waits: BTreeSet::new(),
        }
    }
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
    pub fn note_taken(&mut self, name: &str, key: &str) {
        self.taken.push((name.to_owned(), key.to_owned()));
    }

    pub fn free(&mut self, name: &str, key: &str, rev: i64) {
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
