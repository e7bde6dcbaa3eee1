//! Lists of transitions: how they are split, and what otherwise holds.

use crate::check::context::Cx;
use crate::diagnostic::Diagnostic;
use crate::kinds::branch::{Split, Target, Transition};
use crate::kinds::process::Activity;
use crate::phase::Written;

/// `all` has no conditions; what is taken beside others cannot stay.
pub fn split(activity: &Activity<Written>, list: &[Transition<Written>], cx: &mut Cx) {
    let Some(split) = activity.split.filter(|s| *s != Split::First) else { return };
    for t in list {
        if split == Split::All && (t.when.is_some() || t.otherwise || t.on.is_some()) {
            let d = Diagnostic::error("split-all", t.at, "`split: all` takes every transition: none has a condition");
            cx.push(d.help("`split: matching` takes every one that holds"));
        }
        if t.to.iter().any(|to| matches!(to, Target::Stay(_))) {
            cx.push(Diagnostic::error("stay", t.at, "`stay` stands alone: here others may be taken beside it"));
        }
    }
}

/// `otherwise` is last, alone and without `when`; a transition without a condition hides all after it.
pub fn otherwise(list: &[Transition<Written>], split: Option<Split>, cx: &mut Cx) {
    let first = split.is_none_or(|s| s == Split::First);
    for (i, t) in list.iter().enumerate() {
        if t.otherwise && (t.when.is_some() || i + 1 < list.len()) {
            let d = Diagnostic::error("otherwise", t.at, "`otherwise` has no `when` and comes last");
            cx.push(d.help("it holds when no other transition did"));
        }
        let always = t.when.as_ref().is_none_or(|w| w.text.trim() == "true") && !t.otherwise;
        if first && always && i + 1 < list.len() {
            let d = Diagnostic::error("shadowed", list[i + 1].at, "this transition is never taken");
            cx.push(d.related(t.at, "this one always holds").help("for both write `{ to: [a, b] }`"));
        }
    }
}

/// A transition that waits for a change has something to wait for, and somewhere to go.
pub fn on_change(list: &[Transition<Written>], cx: &mut Cx) {
    for t in list.iter().filter(|t| t.on.is_some()) {
        if t.when.is_none() || t.otherwise {
            let d = Diagnostic::error("missing-key", t.at, "`on: change` needs `when`");
            cx.push(d.help("it is taken when something changes and the condition then holds"));
        }
        if t.to.iter().any(|to| matches!(to, Target::Stay(_))) {
            cx.push(Diagnostic::error("stay", t.at, "`on: change` leaves the activity: it cannot stay"));
        }
    }
}
