//! The context of the checks: names, sources, and the list of findings.

use crate::diagnostic::Diagnostic;
use crate::kinds::process::Process;
use crate::name::Name;
use crate::names::Names;
use crate::source::Sources;
use std::collections::{BTreeMap, BTreeSet};

/// What every check needs.
pub struct Cx<'a> {
    pub sources: &'a Sources,
    pub names: &'a Names,
    /// Processes of the site, for starts within processes.
    pub processes: &'a BTreeMap<String, Process>,
    /// Processes that actions start on tickets that are there already.
    pub started: &'a BTreeSet<String>,
    /// What is checked runs already: what is only useless in it is not told.
    pub running: bool,
    pub out: &'a mut Vec<Diagnostic>,
}

impl Cx<'_> {
    pub fn push(&mut self, d: Diagnostic) {
        self.out.push(d);
    }

    /// Reports a name that nothing defines.
    pub fn unknown<'n>(&mut self, what: &str, name: &Name, known: impl IntoIterator<Item = &'n str>) {
        if self.names.lost.contains(name.as_str()) {
            return;
        }
        let known: Vec<&str> = known.into_iter().collect();
        let d = Diagnostic::error("unknown-name", name.span, format!("no {what} is called `{name}`"));
        let list = || known.iter().take(12).map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
        let d = if known.is_empty() {
            d
        } else {
            d.suggest_or(name, known.iter().copied(), name.span, self.sources, format!("known are {}", list()))
        };
        self.push(d);
    }
}
