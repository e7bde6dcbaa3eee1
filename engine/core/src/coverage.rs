//! What the tests of a site have reached of its processes: activities, arrows, outcomes, and conditions both ways.

use crate::event::Event;
use crate::snapshot::{Snapshot, WorkStatus};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use vorgang_definitions::check::env;
use vorgang_definitions::kinds::process::{Next, Process};
use vorgang_definitions::model::Model;
use vorgang_definitions::source::Span;

/// Conditions that were asked, each with what it said.
#[derive(Debug, Default)]
pub struct Trace(Mutex<BTreeSet<(Span, bool)>>);

impl Trace {
    pub fn asked(&self, at: Span, held: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((at, held));
    }

    pub fn into_inner(self) -> BTreeSet<(Span, bool)> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was reached.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// (process, activity)
    pub activities: BTreeSet<(String, String)>,
    /// (process, from, to)
    arrows: BTreeSet<(String, String, String)>,
    /// (process, activity, outcome)
    outcomes: BTreeSet<(String, String, String)>,
    /// The condition, and what it said.
    conditions: BTreeSet<(Span, bool)>,
}

/// Of one process: the parts with how many there are, and those that no test has reached.
#[derive(Debug, Clone)]
pub struct Covered {
    pub process: String,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone)]
pub struct Part {
    /// `activities`, `transitions`, `outcomes`, `conditions`.
    pub name: &'static str,
    pub total: usize,
    pub missing: Vec<String>,
}

impl Part {
    fn of<'a>(name: &'static str, all: impl Iterator<Item = (String, bool)> + 'a) -> Self {
        let (mut total, mut missing) = (0, vec![]);
        for (what, reached) in all {
            total += 1;
            missing.extend((!reached).then_some(what));
        }
        Self { name, total, missing }
    }

    pub fn reached(&self) -> usize {
        self.total - self.missing.len()
    }
}

impl Coverage {
    /// What one event reaches; `after` is the ticket with it.
    pub fn saw(&mut self, event: &Event, after: &Snapshot) {
        let process = |instance| after.instance(instance).map(|i| i.process.clone());
        match event {
            Event::WorkEntered { item } => {
                let Some(process) = process(item.instance) else { return };
                if item.status != WorkStatus::Waiting {
                    self.activities.insert((process.clone(), item.activity.clone()));
                }
                if let Some(source) = &item.source {
                    self.arrows.insert((process, source.clone(), item.activity.clone()));
                }
            }
            // What is saved and stays is an answer too.
            Event::DialogSubmitted { work: seq, outcome, .. }
            | Event::WorkEnded { seq, status: WorkStatus::Done, outcome: Some(outcome), .. } => {
                let Some(item) = after.item(*seq).filter(|w| w.copy().is_none()) else { return };
                let Some(process) = process(item.instance) else { return };
                self.outcomes.insert((process, item.activity.clone(), outcome.clone()));
            }
            _ => {}
        }
    }

    pub fn asked(&mut self, conditions: BTreeSet<(Span, bool)>) {
        self.conditions.extend(conditions);
    }

    pub fn merge(&mut self, other: &Self) {
        self.activities.extend(other.activities.iter().cloned());
        self.arrows.extend(other.arrows.iter().cloned());
        self.outcomes.extend(other.outcomes.iter().cloned());
        self.conditions.extend(other.conditions.iter().copied());
    }

    /// Process by process, those of the site.
    pub fn of(&self, model: &Model) -> Vec<Covered> {
        let one = |(name, process): (&String, &std::sync::Arc<vorgang_definitions::model::ProcessModel>)| {
            let def = &process.def;
            let activities = def.activities.names().map(|a| (a.to_owned(), self.activities.contains(&(name.clone(), a.to_owned()))));
            let arrows = def.activities.names().flat_map(|to| process.net.arrows(to).map(move |from| (from, to)));
            let arrows = arrows.map(|(from, to)| {
                let reached = self.arrows.contains(&(name.clone(), from.to_owned(), to.to_owned()));
                (format!("{from} to {to}"), reached)
            });
            let outcomes = def.activities.names().flat_map(|a| env::outcomes(&model.names, def, a).into_iter().map(move |o| (a, o)));
            let outcomes = outcomes.map(|(a, o)| {
                let reached = self.outcomes.contains(&(name.clone(), a.to_owned(), o.clone()));
                (format!("{a}: {o}"), reached)
            });
            let conditions = conditions(def)
                .into_iter()
                .flat_map(|(text, at)| [true, false].map(|held| (format!("`{text}` {held}"), self.conditions.contains(&(at, held)))));
            let parts = vec![
                Part::of("activities", activities),
                Part::of("transitions", arrows),
                Part::of("outcomes", outcomes),
                Part::of("conditions", conditions),
            ];
            Covered { process: name.clone(), parts }
        };
        model.processes.iter().map(one).collect()
    }
}

/// Of transitions, in their order; each once, where YAML repeats it.
fn conditions(process: &Process) -> Vec<(String, Span)> {
    let mut all: BTreeMap<Span, String> = BTreeMap::new();
    for (_, activity) in process.activities.iter() {
        let tried = activity.next.iter().flat_map(Next::branches).flat_map(|(_, b)| b.targets()).filter_map(|(t, _)| t);
        for when in tried.filter_map(|t| t.when.as_ref()) {
            all.insert(when.span, when.text.trim().to_owned());
        }
    }
    all.into_iter().map(|(at, text)| (text, at)).collect()
}
