//! What a decision may have to know beside its ticket: numbers for tickets that it makes, and other tickets.
//! What is missing is remembered; whoever asked finds it and decides again.

use crate::state::article::Article;
use crate::state::linked::Linked;
use crate::state::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug, Default)]
pub struct Facts {
    numbers: Vec<(i64, String)>,
    used: AtomicUsize,
    others: BTreeMap<String, Arc<Other>>,
    contents: BTreeMap<String, Arc<Content>>,
    site: BTreeMap<SiteAsked, SiteFact>,
    asked: Mutex<Asked>,
    /// For looking only: nothing is stored under what this gives.
    endless: bool,
}

/// Another ticket.
#[derive(Debug, Clone)]
pub struct Other {
    pub snapshot: Snapshot,
}

/// What is not loaded with a ticket.
#[derive(Debug, Clone, Default)]
pub struct Content {
    pub articles: Vec<Article>,
    pub links: Vec<Linked>,
}

/// By number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    pub tickets: BTreeSet<String>,
    pub contents: BTreeSet<String>,
    pub site: BTreeSet<SiteAsked>,
}

/// What is known only of the site as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SiteAsked {
    /// A mutex, by name and key.
    Mutex(String, String),
    /// Who was given work last, at an activity of a process.
    Turn(String),
    /// How much claimed work is open, by login.
    Load(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SiteFact {
    Mutex(MutexFact),
    Turn(Option<String>),
    Load(u32),
}

/// Who has a mutex of the site, and who waits for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MutexFact {
    /// The ticket that holds it, by its id and number.
    pub holder: Option<(i64, String)>,
    /// How many have come to wait for it since it was taken.
    pub rev: i64,
    /// Numbers of the first tickets that wait, the longest first.
    pub waiters: Vec<String>,
}

impl Facts {
    pub fn new(numbers: Vec<(i64, String)>, others: BTreeMap<String, Arc<Other>>, contents: BTreeMap<String, Arc<Content>>) -> Self {
        Self { numbers, others, contents, ..Self::default() }
    }

    /// With what is known of the site.
    pub fn with_site(self, site: BTreeMap<SiteAsked, SiteFact>) -> Self {
        Self { site, ..self }
    }

    fn of_site(&self, what: SiteAsked) -> Option<&SiteFact> {
        let known = self.site.get(&what);
        if known.is_none() && !self.endless {
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).site.insert(what);
        }
        known
    }

    pub fn mutex(&self, name: &str, key: &str) -> Option<MutexFact> {
        match self.of_site(SiteAsked::Mutex(name.to_owned(), key.to_owned())) {
            Some(SiteFact::Mutex(fact)) => Some(fact.clone()),
            _ => None,
        }
    }

    /// Who was given work last there.
    pub fn turn(&self, place: &str) -> Option<String> {
        match self.of_site(SiteAsked::Turn(place.to_owned())) {
            Some(SiteFact::Turn(login)) => login.clone(),
            _ => None,
        }
    }

    /// How much claimed work this person has.
    pub fn load(&self, login: &str) -> u32 {
        match self.of_site(SiteAsked::Load(login.to_owned())) {
            Some(SiteFact::Load(count)) => *count,
            _ => 0,
        }
    }

    /// For trying out what would happen.
    pub fn trial() -> &'static Self {
        static TRIAL: Facts = Facts {
            numbers: vec![],
            used: AtomicUsize::new(0),
            others: BTreeMap::new(),
            contents: BTreeMap::new(),
            site: BTreeMap::new(),
            asked: Mutex::new(Asked { tickets: BTreeSet::new(), contents: BTreeSet::new(), site: BTreeSet::new() }),
            endless: true,
        };
        &TRIAL
    }

    /// Id and number for a new ticket.
    pub fn number(&self) -> Option<(i64, String)> {
        if self.endless {
            return Some((0, "…".into()));
        }
        self.numbers.get(self.used.fetch_add(1, Ordering::Relaxed)).cloned()
    }

    /// The ticket with this number.
    pub fn other(&self, number: &str) -> Option<&Arc<Other>> {
        let known = self.others.get(number);
        if known.is_none() && !self.endless {
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).tickets.insert(number.to_owned());
        }
        known
    }

    /// The id of the ticket with this number.
    pub fn ticket(&self, number: &str) -> Option<i64> {
        let known = self.other(number).map(|o| o.snapshot.ticket.id);
        known.or(self.endless.then_some(0))
    }

    /// What was written on the ticket with this number, and what is linked.
    pub fn content(&self, number: &str) -> Option<&Arc<Content>> {
        let known = self.contents.get(number);
        if known.is_none() && !self.endless {
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).contents.insert(number.to_owned());
        }
        known
    }

    /// How many numbers were given.
    pub fn given(&self) -> usize {
        self.numbers.len()
    }

    /// How many of them were taken.
    pub fn taken(&self) -> usize {
        self.used.load(Ordering::Relaxed).min(self.numbers.len())
    }

    /// Numbers that were wanted beyond those given, and tickets that are not known.
    pub fn missing(&self) -> (usize, Asked) {
        let wanted = self.used.load(Ordering::Relaxed).saturating_sub(self.numbers.len());
        (wanted, self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
