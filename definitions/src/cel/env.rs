//! The environment in which an expression is checked.

use crate::cel::callable::Callable;
use crate::cel::types::{Ty, WordSet};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What an expression may name, and what is known to be set where it stands.
#[derive(Debug, Clone, Default)]
pub struct Env {
    pub roots: Vec<(String, Ty)>,
    /// Paths that are proved to be set here, such as `ticket.fields.amount` or `steps.approve`.
    pub set: BTreeSet<String>,
    /// Activities of the process, for `active()` and `done()`; `None` outside a process.
    pub activities: Option<Arc<WordSet>>,
    /// Groups of the process.
    pub groups: Vec<String>,
    pub roles: Arc<WordSet>,
    pub calendars: Arc<WordSet>,
    /// What is evaluated here comes from outside: a text that is computed is taken for a word where one is wanted, as by `option`.
    pub from_outside: bool,
    /// Paths whose words are fewer here than their type has: the states of the ticket's own type.
    pub narrowed: BTreeMap<String, Arc<WordSet>>,
    /// Priorities with their levels: `ticket.priority` is a level.
    pub levels: Arc<Vec<(String, i64)>>,
    /// Names in definitions that could not be read: they are not also unknown.
    pub lost: Arc<BTreeSet<String>>,
    /// No calendar counts where none is named: the site has none, or several and has not chosen one.
    pub no_calendar: bool,
    /// Decisions and functions of the site that can be called.
    pub callables: Arc<BTreeMap<String, Callable>>,
}

impl Env {
    pub fn root(&self, name: &str) -> Option<&Ty> {
        self.roots.iter().find(|(n, _)| n == name).map(|(_, t)| t)
    }

    pub fn with(mut self, name: &str, ty: Ty) -> Self {
        self.roots.retain(|(n, _)| n != name);
        self.roots.push((name.to_owned(), ty));
        self
    }
}
