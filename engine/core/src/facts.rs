//! What a decision may have to know beside its ticket: numbers for tickets that it makes, ids of others that it names.
//! What is missing is remembered; whoever asked finds it and decides again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

#[derive(Debug, Default)]
pub struct Facts {
    numbers: Vec<(i64, String)>,
    used: AtomicUsize,
    tickets: BTreeMap<String, i64>,
    asked: Mutex<BTreeSet<String>>,
    /// For looking only: nothing is stored under what this gives.
    endless: bool,
}

impl Facts {
    pub fn new(numbers: Vec<(i64, String)>, tickets: BTreeMap<String, i64>) -> Self {
        Self { numbers, tickets, ..Self::default() }
    }

    /// For trying out what would happen.
    pub fn trial() -> &'static Self {
        static TRIAL: Facts = Facts {
            numbers: vec![],
            used: AtomicUsize::new(0),
            tickets: BTreeMap::new(),
            asked: Mutex::new(BTreeSet::new()),
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

    /// The id of the ticket with this number.
    pub fn ticket(&self, number: &str) -> Option<i64> {
        let known = self.tickets.get(number).copied();
        if known.is_none() && !self.endless {
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(number.to_owned());
        }
        known.or(self.endless.then_some(0))
    }

    /// How many numbers were given.
    pub fn given(&self) -> usize {
        self.numbers.len()
    }

    /// Numbers that were wanted beyond those given, and tickets that are not known.
    pub fn missing(&self) -> (usize, BTreeSet<String>) {
        let wanted = self.used.load(Ordering::Relaxed).saturating_sub(self.numbers.len());
        (wanted, self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
