//! What can never happen in a process, and what its people would miss.

use crate::cel::env::Env;
use crate::check::conditions;
use crate::check::context::Cx;
use crate::diagnostic::Diagnostic;
use crate::kinds::branch::{Split, Transition};
use crate::kinds::process::{Activity, Dialog, Process};
use crate::name::Name;
use crate::phase::Written;
use std::collections::BTreeSet;

/// Where a process has a title, people read one of each step as well.
pub fn title(process: &Process<Written>, name: &Name, activity: &Activity<Written>, cx: &mut Cx) {
    let untitled = activity.dialogs.iter().any(|(_, d)| d.title.is_none()) || activity.approval.iter().any(|a| a.title.is_none());
    if untitled && activity.title.is_none() && process.title.is_some() && !cx.running {
        let d = Diagnostic::warning("no-title", name.span, format!("people read `{name}` here: the activity has no title"));
        cx.push(d.help("add `title:` to it"));
    }
}

/// What follows cannot tell dialogs apart that have the same answers.
pub fn same_answers(activity: &Activity<Written>, cx: &mut Cx) {
    let answers = |d: &Dialog<Written>| -> BTreeSet<String> { d.outcomes.names().map(str::to_owned).collect() };
    let dialogs: Vec<_> = activity.dialogs.iter().map(|(name, d)| (name, answers(d))).collect();
    for (at, (name, own)) in dialogs.iter().enumerate() {
        if let Some((first, _)) = dialogs[..at].iter().find(|(_, other)| other == own).filter(|_| !cx.running) {
            let d = Diagnostic::warning("same-answers", name.span, format!("the dialogs `{first}` and `{name}` have the same answers"));
            cx.push(
                d.related(first.span, "the first")
                    .help("nothing that follows can tell which was used; give one of them an outcome of its own"),
            );
        }
    }
}

/// Transitions whose conditions leave nothing to those behind them (C28).
pub fn never_taken(list: &[Transition<Written>], split: Option<Split>, env: &Env, cx: &mut Cx) {
    // One that is tried on a change is taken before the others are.
    let tried: Vec<&Transition<Written>> = list.iter().filter(|t| t.on.is_none()).collect();
    let conditions: Vec<&str> = tried.iter().map(|t| t.when.as_ref().map_or("true", |w| w.text.as_str())).collect();
    if cx.running || split == Some(Split::All) {
        return;
    }
    let Some(taken) = conditions::taken(conditions.iter().copied(), env) else { return };
    let always = conditions.iter().position(|c| c.trim() == "true").unwrap_or(tried.len());
    for (place, t) in tried.iter().enumerate().filter(|(place, _)| !taken[*place] && *place <= always) {
        let of_several = split == Some(Split::Matching);
        // An `otherwise` behind conditions that leave nothing is a net for values to come.
        if t.otherwise || of_several || conditions::never(conditions[place], env) {
            continue;
        }
        let message = "this transition is never taken: those before it hold for all values for which it would";
        cx.push(Diagnostic::error("shadowed", t.at, message).help("narrow the conditions before it, or leave it out"));
    }
}
