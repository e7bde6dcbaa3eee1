//! What a decision may have to know beside its ticket: numbers for tickets that it makes, and other tickets.
//! What is missing is remembered; whoever asked finds it and decides again.

use crate::command::Linked;
use crate::event::Article;
use crate::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug, Default)]
pub struct Facts {
    numbers: Vec<(i64, String)>,
    used: AtomicUsize,
    others: BTreeMap<String, Arc<Other>>,
    contents: BTreeMap<String, Arc<Content>>,
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
}

impl Facts {
    pub fn new(numbers: Vec<(i64, String)>, others: BTreeMap<String, Arc<Other>>, contents: BTreeMap<String, Arc<Content>>) -> Self {
        Self { numbers, others, contents, ..Self::default() }
    }

    /// For trying out what would happen.
    pub fn trial() -> &'static Self {
        static TRIAL: Facts = Facts {
            numbers: vec![],
            used: AtomicUsize::new(0),
            others: BTreeMap::new(),
            contents: BTreeMap::new(),
            asked: Mutex::new(Asked { tickets: BTreeSet::new(), contents: BTreeSet::new() }),
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
