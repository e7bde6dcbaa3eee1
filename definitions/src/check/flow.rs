//! What is proved to be set on every path to an activity (C23): a must-analysis over the net.
//!
//! Behind `join: all` what any branch set holds, behind `any` only what all share. What some action of the
//! process unsets is never proved: a parallel branch could do so at any time.

use crate::actions::{Action, Verb};
use crate::kinds::branch::{Join, Transition};
use crate::kinds::process::{Activity, FormField, Process, VOTES, Way};
use crate::names::Names;
use crate::outcomes::outcomes;
use crate::phase::Written;
use crate::value_expr::ValueExpr;
use crate::values::Slot;
use std::collections::{BTreeMap, BTreeSet};

pub type Facts = BTreeSet<String>;

pub struct Flow<'a> {
    process: &'a Process<Written>,
    names: &'a Names<Written>,
    /// What some action unsets.
    pub never: Facts,
    /// For each activity what is set when it is entered; missing where no path leads.
    pub entry: BTreeMap<String, Facts>,
    /// For each activity the ways that lead to it, by source.
    arrows: BTreeMap<&'a str, Vec<Arrow<'a>>>,
    /// For each activity those whose actions go back to it.
    reopened: BTreeMap<&'a str, Vec<&'a str>>,
}

/// What leads to an activity from one other.
struct Arrow<'a> {
    source: &'a str,
    ways: Vec<(Way<'a>, Option<&'a Transition<Written>>)>,
    /// Also where its `while` does not hold.
    by_else: bool,
}

fn arrows(process: &Process<Written>) -> BTreeMap<&str, Vec<Arrow<'_>>> {
    let mut all: BTreeMap<&str, Vec<Arrow>> = BTreeMap::new();
    for (source, activity) in process.activities.iter() {
        let mut own: BTreeMap<&str, Arrow> = BTreeMap::new();
        let new = || Arrow { source: source.as_str(), ways: vec![], by_else: false };
        for (way, branch) in activity.ways() {
            for (transition, target) in branch.targets() {
                if let Some(target) = target.activity() {
                    own.entry(target.as_str()).or_insert_with(new).ways.push((way, transition));
                }
            }
        }
        if let Some(target) = &activity.else_ {
            own.entry(target.as_str()).or_insert_with(new).by_else = true;
        }
        for (target, arrow) in own {
            all.entry(target).or_default().push(arrow);
        }
    }
    all
}

fn reopened(process: &Process<Written>) -> BTreeMap<&str, Vec<&str>> {
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, activity) in process.activities.iter() {
        for target in activity.reopens() {
            all.entry(target.as_str()).or_default().push(from.as_str());
        }
    }
    all
}

impl<'a> Flow<'a> {
    pub fn new(process: &'a Process<Written>, names: &'a Names<Written>, base: &Facts) -> Self {
        let mut flow = Self {
            process,
            names,
            never: unset_somewhere(process, names),
            entry: BTreeMap::new(),
            arrows: arrows(process),
            reopened: reopened(process),
        };
        let starts = process.begins();
        // A ticket that the process creates has its required fields only after the first form.
        let given_later = names.types.get(&process.ticket.ticket_type).filter(|_| !process.starts.is_empty());
        let later = given_later.into_iter().flat_map(|t| t.fields.iter()).filter(|f| f.required && f.default.is_none());
        let mut base = base.clone();
        for f in later {
            base.remove(&format!("ticket.fields.{}", f.field));
        }
        // Facts only shrink after the first visit, so this ends.
        for _ in 0..=process.activities.len() * 4 + 4 {
            let mut changed = false;
            for (name, activity) in process.activities.iter() {
                let mut ways: Vec<Facts> = vec![];
                if starts.contains(name.as_str()) {
                    ways.push(base.clone());
                }
                let arrows = flow.arrows_to(name);
                // Where all arrows have delivered, what any of them set holds; otherwise what all share.
                let merged = if activity.join == Some(Join::All) {
                    (!arrows.is_empty()).then(|| arrows.iter().fold(Facts::new(), |all, a| &all | a))
                } else {
                    shared(&arrows)
                };
                ways.extend(merged);
                ways.extend(flow.reopened(name));
                let Some(mut facts) = shared(&ways) else { continue };
                facts.retain(|f| !flow.never.contains(f));
                if flow.entry.get(name.as_str()) != Some(&facts) {
                    flow.entry.insert(name.to_string(), facts);
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        flow
    }

    /// What is set where some action goes back to the activity.
    fn reopened(&self, target: &str) -> Vec<Facts> {
        self.reopened.get(target).into_iter().flatten().filter_map(|name| self.entry.get(*name).cloned()).collect()
    }

    /// One set per source activity; several transitions of one are one arrow, and share what all of them set.
    fn arrows_to(&self, target: &str) -> Vec<Facts> {
        let mut arrows = vec![];
        for arrow in self.arrows.get(target).into_iter().flatten() {
            let mut ways = vec![];
            for (way, transition) in &arrow.ways {
                if let Some(mut facts) = self.on_the_way(arrow.source, *way, *transition) {
                    if let Some(t) = transition {
                        facts.extend(sets(&t.actions, self.names));
                    }
                    ways.push(facts);
                }
            }
            // Cancelled where `while` does not hold: nothing of its own has been done for sure.
            if arrow.by_else {
                ways.extend(self.entry.get(arrow.source).cloned());
            }
            arrows.extend(shared(&ways));
        }
        // A group is left from wherever its tokens are.
        for (_, group) in self.process.groups.iter().filter(|(_, g)| g.targets().iter().any(|t| **t == target)) {
            let inside: Vec<Facts> = group.activities.iter().filter_map(|a| self.entry.get(a.as_str()).cloned()).collect();
            arrows.extend(shared(&inside));
        }
        arrows
    }

    /// What is set when this way is tried.
    pub fn on_the_way(&self, name: &str, way: Way, transition: Option<&Transition<Written>>) -> Option<Facts> {
        let activity = self.process.activities.get(name)?;
        match way {
            // It is tried before any form has been filled in.
            Way::Outcome(_) if transition.is_some_and(|t| t.on.is_some()) => self.left(name, activity, &[]),
            Way::Outcome(outcome) => self.after(name, outcome.map(|n| n.as_str())),
            Way::Timer(i) => self.left(name, activity, &activity.timers[i].actions),
            Way::Handler(i) => self.left(name, activity, &activity.handlers[i].actions),
        }
    }

    /// What is set when the activity is left by something other than a completion.
    pub fn left(&self, name: &str, activity: &Activity<Written>, more: &[Action<Written>]) -> Option<Facts> {
        let mut facts = self.entry.get(name)?.clone();
        facts.extend(sets(before_waiting(&activity.actions), self.names));
        facts.extend(sets(more, self.names));
        facts.extend(self.required_at_start(name));
        facts.insert(format!("steps.{name}"));
        facts.retain(|f| !self.never.contains(f));
        Some(facts)
    }

    /// Behind the first form the ticket is there, with all that its type requires.
    fn required_at_start(&self, name: &str) -> Vec<String> {
        if !self.process.begins().contains(name) {
            return vec![];
        }
        let ticket_type = self.names.types.get(&self.process.ticket.ticket_type);
        let required = ticket_type.into_iter().flat_map(|t| t.fields.iter()).filter(|f| f.required);
        required.map(|f| format!("ticket.fields.{}", f.field)).collect()
    }

    /// What is set when the activity has completed with this outcome, or with any.
    pub fn after(&self, name: &str, outcome: Option<&str>) -> Option<Facts> {
        let activity = self.process.activities.get(name)?;
        let mut facts = self.entry.get(name)?.clone();
        if activity.for_each.is_none() {
            facts.extend(sets(&activity.actions, self.names));
        }
        let all = outcomes(self.names, self.process, name);
        let possible: Vec<&str> = outcome.map_or_else(|| all.iter().map(String::as_str).collect(), |o| vec![o]);
        // What copies are filled in with need not have come from any of them.
        let ways = possible.iter().filter(|_| activity.for_each.is_none()).flat_map(|o| completions(activity, o, self.names));
        let mut ways: Vec<Facts> = ways.collect();
        // Completed in the place of its people, nothing was filled in.
        if possible.iter().any(|o| self.process.completes(name).any(|c| c.outcome() == *o)) {
            ways.push(Facts::new());
        }
        facts.extend(shared(&ways).unwrap_or_default());
        facts.extend(self.required_at_start(name));
        facts.insert(format!("steps.{name}"));
        facts.retain(|f| !self.never.contains(f));
        Some(facts)
    }
}

/// The actions that are done before one of them is waited for: while it is, the others are not.
pub fn before_waiting(actions: &[Action<Written>]) -> &[Action<Written>] {
    let waits = actions.iter().position(|a| matches!(a.verb, Verb::Run(_)));
    &actions[..waits.unwrap_or(actions.len())]
}

fn shared(ways: &[Facts]) -> Option<Facts> {
    let (first, rest) = ways.split_first()?;
    Some(rest.iter().fold(first.clone(), |all, w| &all & w))
}

/// What each way to this outcome sets.
fn completions(activity: &Activity<Written>, outcome: &str, names: &Names<Written>) -> Vec<Facts> {
    let mut ways = vec![];
    for (_, dialog) in activity.dialogs.iter() {
        let has = if dialog.outcomes.is_empty() { outcome == "submit" } else { dialog.outcomes.get(outcome).is_some() };
        if has {
            ways.push(&required_facts(&dialog.fields, names) | &sets(&dialog.actions, names));
        }
    }
    if activity.approval.is_some() && outcome == "timeout" {
        ways.push(Facts::new());
    }
    if let Some(approval) = &activity.approval
        && VOTES.contains(&outcome)
    {
        ways.push(&required_facts(&approval.fields, names) | &sets(&approval.actions, names));
    }
    ways
}

/// What form fields that must be filled in set.
pub fn required_facts(fields: &[FormField<Written>], names: &Names<Written>) -> Facts {
    let sure = || fields.iter().filter(|f| f.required && f.when.is_none());
    let own = sure().filter(|f| f.data_type.is_none()).filter_map(|f| f.data.as_ref()).map(|n| format!("process.data.{n}"));
    sure().filter_map(|f| f.field.as_ref()).filter_map(|n| Slot::find(names, n)).map(|s| s.path()).chain(own).collect()
}

fn sets(actions: &[Action<Written>], names: &Names<Written>) -> Facts {
    let mut facts = Facts::new();
    each_set(actions, names, |path, given, always| {
        if given.is_unset() {
            facts.remove(path);
        } else if always {
            facts.insert(path.to_owned());
        }
    });
    facts
}

fn each_set(actions: &[Action<Written>], names: &Names<Written>, mut f: impl FnMut(&str, &ValueExpr<Written>, bool)) {
    for (action, always) in each(actions, true) {
        match &action.verb {
            Verb::Set(set) => {
                for (name, given) in set.iter() {
                    // What is no slot is a value of the process.
                    f(&Slot::find(names, name).map_or_else(|| format!("process.data.{name}"), |s| s.path()), given, always);
                }
            }
            Verb::Assign(a) => {
                for (path, given) in [("ticket.owner", &a.owner), ("ticket.responsible", &a.responsible)] {
                    if let Some(given) = given {
                        f(path, given, always);
                    }
                }
            }
            Verb::Increment(increment) => {
                for (name, given) in increment.iter() {
                    if let Some(slot) = Slot::find(names, name) {
                        f(&slot.path(), given, always);
                    }
                }
            }
            // The others set nothing by name.
            _ => {}
        }
    }
}

/// Every action, those on errors too, with whether it is always done when its list is.
fn each(actions: &[Action<Written>], always: bool) -> Vec<(&Action<Written>, bool)> {
    let mut all = vec![];
    for action in actions {
        all.push((action, always && action.when.is_none() && action.on_error.is_none()));
        all.extend(each(action.on_error.as_deref().unwrap_or_default(), false));
    }
    all
}

fn unset_somewhere(process: &Process<Written>, names: &Names<Written>) -> Facts {
    // Leaving a pending state clears it.
    let mut never = Facts::from(["ticket.pending_until".to_owned()]);
    let life = names.types.get(&process.ticket.ticket_type).and_then(|t| t.transitions.as_ref());
    for transition in life.into_iter().flatten() {
        each_set(&transition.actions, names, |path, given, _| {
            if given.is_unset() {
                never.insert(path.to_owned());
            }
        });
    }
    // What a form may leave empty, and what comes back from a sub-process.
    for (_, activity) in process.activities.iter() {
        let forms = activity.dialogs.iter().map(|(_, d)| &d.fields).chain(activity.approval.iter().map(|a| &a.fields));
        let open = forms.flatten().filter(|f| !f.required && f.data_type.is_none()).filter_map(|f| f.data.as_ref());
        let back = activity.process.iter().flat_map(|s| s.into.iter().map(|(n, _)| n));
        never.extend(open.chain(back).map(|n| format!("process.data.{n}")));
        never.extend(activity.process.iter().flat_map(|s| s.into.iter()).filter_map(|(n, _)| Slot::find(names, n)).map(|s| s.path()));
    }
    for list in process.action_lists() {
        each_set(list, names, |path, given, _| {
            if given.is_unset() {
                never.insert(path.to_owned());
            }
        });
    }
    never
}
