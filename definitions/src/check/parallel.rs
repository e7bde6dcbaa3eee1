//! Branches that run at the same time and write the same value: the later one wins (C18).

use crate::actions::{Action, Verb, with_others};
use crate::cel::env::Env;
use crate::check::conditions;
use crate::check::context::Cx;
use crate::diagnostic::Diagnostic;
use crate::kinds::branch::{Branch, Join, Split, Transition};
use crate::kinds::process::{Activity, Process};
use crate::name::Name;
use crate::names::Names;
use crate::phase::Written;
use crate::source::{Sources, Span};
use crate::value_expr::ValueExpr;
use crate::values::Slot;
use std::collections::BTreeSet;

/// A place that writes a value of the ticket or of the process.
struct Write<'a> {
    path: String,
    /// The value's name as it is written there.
    name: &'a str,
    at: Span,
    /// The written value, if it is a constant.
    literal: Option<&'a str>,
}

pub fn check(process: &Process<Written>, env: &Env, cx: &mut Cx) {
    let mut told: BTreeSet<String> = BTreeSet::new();
    for (source, activity) in process.activities.iter() {
        for (_, branch) in activity.ways() {
            for (one, other) in together(branch, activity.split, env) {
                pair(process, source, [one, other], &mut told, cx);
            }
        }
    }
}

/// The targets of a branch that can get a token at the same time, in pairs.
fn together<'a>(branch: &'a Branch<Written>, split: Option<Split>, env: &Env) -> Vec<(&'a Name, &'a Name)> {
    let targets: Vec<(&Transition<Written>, &Name)> =
        branch.targets().into_iter().filter_map(|(transition, target)| Some((transition?, target.activity()?))).collect();
    let mut pairs = vec![];
    for (place, (one, first)) in targets.iter().enumerate() {
        for (other, second) in &targets[place + 1..] {
            let both = std::ptr::eq(*one, *other)
                || match split {
                    Some(Split::All) => true,
                    Some(Split::Matching) => !exclude_each_other(one, other, env),
                    Some(Split::First) | None => false,
                };
            if both && first != second {
                pairs.push((*first, *second));
            }
        }
    }
    pairs
}

fn exclude_each_other(one: &Transition<Written>, other: &Transition<Written>, env: &Env) -> bool {
    let (Some(a), Some(b)) = (&one.when, &other.when) else { return one.otherwise || other.otherwise };
    conditions::never(&format!("({}) && ({})", a.text, b.text), env)
}

/// Tells what two branches of one split both write before they meet.
fn pair(process: &Process<Written>, source: &Name, targets: [&Name; 2], told: &mut BTreeSet<String>, cx: &mut Cx) {
    let [one, other] = targets.map(|t| reached(process, source, t));
    let met: BTreeSet<&str> = one.intersection(&other).copied().collect();
    let activity = |name: &str| process.activities.get(name);
    let own = |all: &BTreeSet<&str>| -> Vec<&Activity<Written>> { all.difference(&met).filter_map(|name| activity(name)).collect() };
    let (one, other) = (own(&one), own(&other));
    // If the first token withdraws the others, only one of them writes.
    let leads_to = |all: &[&Activity<Written>], name: &str| all.iter().any(|a| a.targets().iter().any(|t| **t == name));
    let first_only = |name: &&str| activity(name).is_some_and(|a| matches!(a.join, Some(Join::First { count: 1, cancels: true })));
    if met.iter().filter(|name| first_only(name)).any(|name| leads_to(&one, name) && leads_to(&other, name)) {
        return;
    }
    let cancels = |a: &&Activity<Written>| verbs(a).any(|verb| matches!(verb, Verb::Cancel(_)));
    if one.iter().chain(&other).any(cancels) {
        return;
    }
    let (names, sources) = (cx.names, cx.sources);
    let first: Vec<Write> = one.iter().flat_map(|a| writes(a, names, sources)).collect();
    for write in other.iter().flat_map(|a| writes(a, names, sources)) {
        let same = |w: &&Write| w.path == write.path && (w.literal.is_none() || w.literal != write.literal);
        let Some(before) = first.iter().find(same).filter(|_| told.insert(write.path.clone())) else { continue };
        let message = format!("`{}` is written in two branches that run at the same time: the later one wins", write.name);
        let (earlier, later) = if before.at.start < write.at.start { (before.at, write.at) } else { (write.at, before.at) };
        let d = Diagnostic::warning("parallel-write", later, message).related(earlier, "also written here");
        cx.push(d.help(format!("let each branch write a value of its own, or write `{}` where they have met", write.name)));
    }
}

/// The activities to which a token leads that a split has placed here, until the split itself.
fn reached<'a>(process: &'a Process<Written>, split: &Name, from: &'a Name) -> BTreeSet<&'a str> {
    let (mut found, mut open) = (BTreeSet::from([from.as_str()]), vec![from.as_str()]);
    while let Some(activity) = open.pop().and_then(|name| process.activities.get(name)) {
        for target in activity.targets().into_iter().filter(|t| *t != split) {
            if found.insert(target.as_str()) {
                open.push(target.as_str());
            }
        }
    }
    found
}

/// The verbs that may run while the activity is under way. Its `compensate` runs alone and is left out.
fn verbs(activity: &Activity<Written>) -> impl Iterator<Item = &Verb<Written>> {
    let undoes = |list: &&[Action<Written>]| std::ptr::eq(*list, &raw const activity.compensate[..]);
    activity.action_lists().into_iter().filter(move |list| !undoes(list)).flat_map(with_others).map(|action| &action.verb)
}

fn writes<'a>(activity: &'a Activity<Written>, names: &Names<Written>, sources: &'a Sources) -> Vec<Write<'a>> {
    let mut all: Vec<Write> = vec![];
    for verb in verbs(activity) {
        if let Verb::Set(set) = verb {
            let of = |(name, given): (&'a Name, &'a ValueExpr<Written>)| {
                let path = Slot::find(names, name).map_or_else(|| format!("process.data.{name}"), |slot| slot.path());
                let literal = match given {
                    ValueExpr::Literal(literal) => Some(sources.slice(literal.node.span)),
                    ValueExpr::Expr(_) => None,
                };
                Write { path, name: name.as_str(), at: name.span, literal }
            };
            all.extend(set.iter().map(of));
        }
    }
    let forms = activity.dialogs.iter().map(|(_, d)| &d.fields).chain(activity.approval.iter().map(|a| &a.fields));
    // A copy's own values are not shared.
    for field in forms.flatten().filter(|f| f.data_type.is_none()) {
        let (path, name) = match (&field.field, &field.data) {
            (Some(name), _) => (Slot::find(names, name).map(|slot| slot.path()), name),
            (None, Some(name)) => (Some(format!("process.data.{name}")), name),
            (None, None) => continue,
        };
        all.extend(path.map(|path| Write { path, name: name.as_str(), at: name.span, literal: None }));
    }
    all
}
