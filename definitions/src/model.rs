//! The checked site: valid by construction, nobody validates it twice.

use crate::acls::Acls;
use crate::actions::{Action, Verb, with_others};
use crate::kinds::handler::Handler;
use crate::kinds::job::Job;
use crate::kinds::process::Process;
use crate::kinds::test::Test;
use crate::names::Names;
use crate::net::Net;
use crate::source::Sources;
use crate::text::Text;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A process with what follows from it.
#[derive(Debug, Clone)]
pub struct ProcessModel {
    pub def: Process,
    /// Of the canonical definition: what a running instance pins.
    pub hash: String,
    /// The canonical definition as JSON.
    pub canonical: String,
    /// Who leads to whom.
    pub net: Net,
    /// Events for which it, or an activity of it, has handlers.
    pub handled: BTreeSet<String>,
    /// Fields that a proof relies on: they cannot be unset while an instance runs.
    pub relies: BTreeSet<String>,
}

#[derive(Debug, Clone)]
pub struct Model {
    pub sources: Sources,
    /// Of everything in the site.
    pub hash: String,
    pub names: Names,
    pub processes: BTreeMap<String, Arc<ProcessModel>>,
    /// Every process that runs, the current ones and the pinned ones, by hash.
    pub by_hash: HashMap<String, Arc<ProcessModel>>,
    /// What people may choose and do, in the order in which it is asked.
    pub acls: Acls,
    /// For each event the handlers of the site, in their order.
    pub handlers: HashMap<String, Vec<Arc<Handler>>>,
    /// For each event the names of the notifications that it sends.
    pub announced: HashMap<String, Vec<String>>,
    /// For each event the names of the jobs that it runs on its ticket.
    pub triggered: HashMap<String, Vec<String>>,
    pub jobs: BTreeMap<String, Arc<Job>>,
    pub tests: Vec<Test>,
}

impl Model {
    /// Does a handler of the site, a notification or a job wait for this event?
    pub fn site_listens(&self, event: &str) -> bool {
        self.handlers.contains_key(event) || self.announced.contains_key(event) || self.triggered.contains_key(event)
    }

    pub fn process_by_hash(&self, hash: &str) -> Option<&Arc<ProcessModel>> {
        self.by_hash.get(hash)
    }

    pub fn title<'a>(&'a self, text: Option<&'a Text>, name: &'a str, language: &str) -> &'a str {
        text.map_or(name, |t| t.get(language, self.names.site.main_language()))
    }

    /// Does anything in the site wait for this event?
    pub fn listens(&self, event: &str) -> bool {
        self.site_listens(event) || self.by_hash.values().any(|p| p.handled.contains(event))
    }

    /// The programs that actions run, in running processes too.
    pub fn programs(&self) -> BTreeSet<String> {
        let mut lists: Vec<&[Action]> = vec![];
        for process in self.by_hash.values().map(|p| &p.def) {
            lists.extend(process.action_lists());
        }
        lists.extend(self.handlers.values().flatten().map(|h| &h.actions[..]));
        lists.extend(self.jobs.values().map(|j| &j.actions[..]));
        lists.extend(self.names.types.iter().flat_map(|t| t.transitions.iter().flatten()).map(|t| &t.actions[..]));
        let program = |a: &Action| match &a.verb {
            Verb::Run(run) => Some(run.program.to_string()),
            _ => None,
        };
        lists.into_iter().flat_map(with_others).filter_map(program).collect()
    }
}
