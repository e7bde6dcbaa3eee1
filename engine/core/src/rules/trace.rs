//! The trace of evaluated conditions and executed parts of definitions. The engine writes it, the coverage of tests reads it.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use vorgang_definitions::source::Span;

/// What was asked and done while commands were decided.
#[derive(Debug, Default)]
pub struct Trace(Mutex<Places>);

/// Places in the definitions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// Conditions that were asked, each with what it said.
    pub(crate) asked: BTreeSet<(Span, bool)>,
    /// Actions, handlers, timers and jobs that ran, ACLs that refused, rules that held.
    pub(crate) ran: BTreeSet<Span>,
}

impl Trace {
    pub(crate) fn note(&self, note: impl FnOnce(&mut Places)) {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub fn asked(&self, at: Span, held: bool) {
        self.note(|places| _ = places.asked.insert((at, held)));
    }

    pub fn ran(&self, at: Span) {
        self.note(|places| _ = places.ran.insert(at));
    }
}

impl Places {
    pub(crate) fn extend(&mut self, other: &Self) {
        self.asked.extend(&other.asked);
        self.ran.extend(&other.ran);
    }
}
