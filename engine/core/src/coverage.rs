//! What the tests of a site have reached: of its processes activities, transitions, outcomes, dialogs, actions, timers,
//! handlers, and conditions both ways; of the site handlers, jobs, ACLs, rules of decisions, and rights of roles.

use crate::rules::trace::{Places, Trace};
use crate::state::event::{DialogSubmitted, Event, WorkEnded, WorkEntered};
use crate::state::snapshot::{Snapshot, WorkStatus};
use std::collections::{BTreeMap, BTreeSet};
use vorgang_definitions::actions::{Action, with_others};
use vorgang_definitions::cel::callable::Callable;
use vorgang_definitions::kinds::branch::Next;
use vorgang_definitions::kinds::handler::LocalHandler;
use vorgang_definitions::kinds::process::Process;
use vorgang_definitions::kinds::timer::Timer;
use vorgang_definitions::model::{Model, ProcessModel};
use vorgang_definitions::outcomes;
use vorgang_definitions::source::Span;

type Names3 = (String, String, String);

/// What was reached.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// (process, activity)
    pub activities: BTreeSet<(String, String)>,
    /// (process, from, to)
    arrows: BTreeSet<Names3>,
    /// (process, activity, outcome)
    outcomes: BTreeSet<Names3>,
    /// (process, activity, dialog)
    dialogs: BTreeSet<Names3>,
    /// (role, queue)
    rights: BTreeSet<(String, String)>,
    places: Places,
}

/// Of one process, or of the site: the parts with how many there are, and those that no test has reached.
#[derive(Debug, Clone)]
pub struct Covered {
    /// The process; none of what belongs to the site.
    pub process: Option<String>,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone)]
pub struct Part {
    pub name: &'static str,
    pub total: usize,
    pub missing: Vec<String>,
}

impl Part {
    fn counted<'a>(name: &'static str, all: impl IntoIterator<Item = (String, bool)> + 'a) -> Self {
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
            Event::WorkEntered(WorkEntered { item }) => {
                let Some(process) = process(item.instance) else { return };
                if item.status != WorkStatus::Waiting {
                    self.activities.insert((process.clone(), item.activity.clone()));
                }
                if let Some(source) = &item.source {
                    self.arrows.insert((process, source.clone(), item.activity.clone()));
                }
            }
            Event::DialogSubmitted(DialogSubmitted { work: seq, dialog, outcome }) => {
                let Some((item, process)) = after.item(*seq).and_then(|w| Some((w, process(w.instance)?))) else { return };
                self.dialogs.insert((process.clone(), item.activity.clone(), dialog.clone()));
                // What is saved and stays is an answer too.
                if item.copy().is_none() {
                    self.outcomes.insert((process, item.activity.clone(), outcome.clone()));
                }
            }
            Event::WorkEnded(WorkEnded { seq, status: WorkStatus::Done, outcome: Some(outcome), .. }) => {
                let Some(item) = after.item(*seq).filter(|w| w.copy().is_none()) else { return };
                let Some(process) = process(item.instance) else { return };
                self.outcomes.insert((process, item.activity.clone(), outcome.clone()));
            }
            _ => {}
        }
    }

    /// Somebody with these roles has done something in this queue.
    pub fn acted<'r>(&mut self, roles: impl IntoIterator<Item = &'r String>, queue: &str) {
        self.rights.extend(roles.into_iter().map(|role| (role.clone(), queue.to_owned())));
    }

    pub fn traced(&mut self, trace: &Trace) {
        trace.note(|places| self.places.extend(places));
    }

    pub fn merge(&mut self, other: &Self) {
        self.activities.extend(other.activities.iter().cloned());
        self.arrows.extend(other.arrows.iter().cloned());
        self.outcomes.extend(other.outcomes.iter().cloned());
        self.dialogs.extend(other.dialogs.iter().cloned());
        self.rights.extend(other.rights.iter().cloned());
        self.places.extend(&other.places);
    }

    /// Process by process, and the site itself.
    pub fn covered(&self, model: &Model) -> Vec<Covered> {
        model.processes.iter().map(|(name, process)| self.of_process(model, name, process)).chain([self.of_site(model)]).collect()
    }

    fn of_process(&self, model: &Model, name: &str, process: &ProcessModel) -> Covered {
        let def = &process.def;
        let named = |reached: &BTreeSet<Names3>, a: &str, b: &str| reached.contains(&(name.to_owned(), a.to_owned(), b.to_owned()));
        let activities = def.activities.names().map(|a| (a.to_owned(), self.activities.contains(&(name.to_owned(), a.to_owned()))));
        let arrows = def.activities.names().flat_map(|to| process.net.arrows(to).map(move |from| (from, to)));
        let arrows = arrows.map(|(from, to)| (format!("{from} to {to}"), named(&self.arrows, from, to)));
        let outcomes = def.activities.names().flat_map(|a| outcomes::outcomes(&model.names, def, a).into_iter().map(move |o| (a, o)));
        let outcomes = outcomes.map(|(a, o)| (format!("{a}: {o}"), named(&self.outcomes, a, &o)));
        let dialogs = def.activities.iter().flat_map(|(a, activity)| activity.dialogs.names().map(move |d| (a.as_str(), d)));
        let dialogs = dialogs.map(|(a, d)| (format!("{a}: {d}"), named(&self.dialogs, a, d)));
        let conditions = conditions(def);
        let both = conditions.into_iter().flat_map(|(text, at)| [true, false].map(|held| (format!("`{text}` {held}"), (at, held))));
        let conditions = both.map(|(what, asked)| (what, self.places.asked.contains(&asked)));
        let parts = vec![
            Part::counted("activities", activities),
            Part::counted("transitions", arrows),
            Part::counted("outcomes", outcomes),
            Part::counted("conditions", conditions),
            Part::counted("dialogs", dialogs),
            self.ran("actions", actions(def)),
            self.ran("timers", timers(def)),
            self.ran("handlers", handlers(def)),
        ];
        Covered { process: Some(name.to_owned()), parts }
    }

    fn of_site(&self, model: &Model) -> Covered {
        let handlers: BTreeMap<Span, String> = model.handlers.values().flatten().map(|h| (h.at, h.name.to_string())).collect();
        let jobs = model.jobs.values().map(|j| (j.at, j.name.to_string()));
        let acls = model.acls.iter().map(|a| (a.at, a.name.to_string()));
        let tables = model.names.callables.values().filter_map(|c| match c {
            Callable::Decision(table) => Some(table),
            Callable::Function(_) => None,
        });
        let rules = tables.flat_map(|t| t.rules.iter().enumerate().map(move |(n, r)| (r.at, format!("{}: rule {}", t.name, n + 1))));
        let rights = model.names.roles.iter().flat_map(|r| r.queues.names().map(move |q| (r.name.to_string(), q.to_owned())));
        let rights = rights.map(|right| (format!("{} in {}", right.0, right.1), self.rights.contains(&right)));
        let parts = vec![
            self.ran("handlers", handlers.into_iter()),
            self.ran("jobs", jobs),
            self.ran("ACLs", acls),
            self.ran("rules of decisions", rules),
            Part::counted("rights of roles", rights),
        ];
        Covered { process: None, parts }
    }

    fn ran(&self, name: &'static str, all: impl IntoIterator<Item = (Span, String)>) -> Part {
        Part::counted(name, all.into_iter().map(|(at, what)| (what, self.places.ran.contains(&at))))
    }
}

/// Of transitions, in their order; each once, where YAML repeats it.
fn conditions(process: &Process) -> Vec<(String, Span)> {
    let mut all: BTreeMap<Span, String> = BTreeMap::new();
    for (_, activity) in process.activities.iter() {
        let tried = activity.next.iter().flat_map(Next::branches).flat_map(|(_, b)| b.targets()).filter_map(|(t, _)| t);
        for when in tried.filter_map(|t| t.when.as_ref()) {
            all.insert(when.span(), when.text().trim().to_owned());
        }
    }
    all.into_iter().map(|(at, text)| (text, at)).collect()
}

/// Each with where it stands and its verb.
fn actions(process: &Process) -> BTreeMap<Span, String> {
    let mut all = BTreeMap::new();
    let mut of = |place: &str, list: &[Action]| {
        for action in with_others(list) {
            all.insert(action.at, format!("{place}: {}", action.verb.key()));
        }
    };
    for (name, activity) in process.activities.iter() {
        activity.action_lists().into_iter().for_each(|list| of(name, list));
    }
    for (name, group) in process.groups.iter() {
        group.action_lists().into_iter().for_each(|list| of(name, list));
    }
    process.handlers.iter().for_each(|h| of("the process", &h.actions));
    all
}

fn timers(process: &Process) -> BTreeMap<Span, String> {
    let of = |name: &str, timers: &[Timer]| -> Vec<(Span, String)> {
        timers.iter().enumerate().map(|(n, t)| (t.at, format!("{name}: timer {}", n + 1))).collect()
    };
    let activities = process.activities.iter().flat_map(|(name, a)| of(name, &a.timers));
    activities.chain(process.groups.iter().flat_map(|(name, g)| of(name, &g.timers))).collect()
}

fn handlers(process: &Process) -> BTreeMap<Span, String> {
    let of = |name: &str, handlers: &[LocalHandler]| -> Vec<(Span, String)> {
        let on = |h: &LocalHandler| h.on.iter().map(|e| e.text.clone()).collect::<Vec<_>>().join(", ");
        handlers.iter().map(|h| (h.at, format!("{name}: on {}", on(h)))).collect()
    };
    let activities = process.activities.iter().flat_map(|(name, a)| of(name, &a.handlers));
    let groups = process.groups.iter().flat_map(|(name, g)| of(name, &g.handlers));
    activities.chain(groups).chain(of("the process", &process.handlers)).collect()
}
