//! The outcomes with which activities and processes end.

use crate::actions::{self, Action, Verb};
use crate::kinds::process::{Activity, Process};
use crate::kinds::sub_process::SubProcess;
use crate::names::Names;
use crate::phase::Phase;

/// The outcomes with which an activity can end.
pub fn outcomes<S: Phase>(names: &Names<S>, process: &Process<S>, activity: &str) -> Vec<String> {
    let Some(a) = process.activities.get(activity) else { return vec![] };
    let mut all: Vec<String> = vec![];
    match (&a.for_each, &a.process) {
        (Some(for_each), _) => {
            all.push("done".into());
            all.extend(for_each.can_be_unmet().then(|| "unmet".into()));
        }
        (None, Some(sub)) if sub.waits() => {
            all.extend(ends_within(names, sub));
            all.extend(of_people(a));
        }
        (None, Some(_)) => all.push("done".into()),
        (None, None) => all.extend(of_people(a)),
    }
    if a.is_automatic() || process.completes(activity).any(|c| c.outcome.is_none()) {
        all.push("done".into());
    }
    all.sort();
    all.dedup();
    all
}

/// The outcomes of one copy of a `for_each`.
pub fn copy_outcomes<S: Phase>(names: &Names<S>, process: &Process<S>, activity: &str) -> Vec<String> {
    let Some(a) = process.activities.get(activity) else { return vec![] };
    let mut all = of_people(a);
    if let Some(sub) = &a.process {
        all.extend(ends_within(names, sub));
    } else if a.is_bare() {
        all.push("done".into());
    }
    all.sort();
    all.dedup();
    all
}

/// With what a sub-process can end: on a ticket of its own also by its being closed.
fn ends_within<S: Phase>(names: &Names<S>, sub: &SubProcess<S>) -> Vec<String> {
    let closed = sub.is_child() && names.cancelled_by_closing.contains(sub.name.as_str());
    let ends = names.ends_of(&sub.name).into_iter();
    ends.chain(closed.then(|| "cancelled".to_owned())).collect()
}

/// The answers that people can give.
fn of_people<S: Phase>(a: &Activity<S>) -> Vec<String> {
    let mut all: Vec<String> = vec![];
    for (_, dialog) in a.dialogs.iter() {
        if dialog.outcomes.is_empty() {
            all.push("submit".into());
        }
        all.extend(dialog.outcomes.names().map(str::to_owned));
    }
    all.extend(a.approval.iter().flat_map(|a| a.outcomes()).map(str::to_owned));
    all
}

/// With what the instances of a process can end: `done` where no `end` is reached, `cancelled` by the action.
pub fn ends<S: Phase>(process: &Process<S>) -> Vec<String> {
    let mut all: Vec<String> = process.ends().map(ToString::to_string).collect();
    if process.activities.iter().any(|(_, a)| a.end.is_none() && a.next.is_none()) {
        all.push("done".into());
    }
    let cancels = |a: &Action<S>| matches!(&a.verb, Verb::Cancel(name) if *name == "instance");
    if process.action_lists().flat_map(actions::with_others).any(cancels) {
        all.push("cancelled".into());
    }
    all.sort();
    all.dedup();
    all
}
