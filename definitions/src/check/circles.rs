//! Circles of activities that go on by themselves: where nothing in one changes what its conditions read, going round once
//! means going round until the engine stops it.

use crate::actions::{Action, Verb, with_others};
use crate::check::context::Cx;
use crate::diagnostic::Diagnostic;
use crate::kinds::branch::{Next, Transition};
use crate::kinds::process::{Activity, Process};
use crate::name::Name;
use crate::phase::Written;
use crate::values::Slot;
use std::collections::{BTreeSet, HashMap};

pub fn check(process: &Process<Written>, cx: &mut Cx) {
    // One that waits for a program, or may wait for something else, lets time pass.
    let passes = |a: &Activity<Written>| {
        a.is_automatic() && !a.waits_first() && a.while_.is_none() && a.mutex.is_none() && a.join.is_none_or(|j| !j.waits())
    };
    let automatic: Vec<(&Name, &Activity<Written>)> = process.activities.iter().filter(|(_, a)| passes(a)).collect();
    let place: HashMap<&str, usize> = automatic.iter().enumerate().map(|(at, (name, _))| (name.as_str(), at)).collect();
    let next: Vec<Vec<usize>> =
        automatic.iter().map(|(_, a)| a.targets().iter().filter_map(|t| place.get(t.as_str()).copied()).collect()).collect();
    let mut before: Vec<Vec<usize>> = vec![vec![]; next.len()];
    next.iter().enumerate().for_each(|(from, all)| all.iter().for_each(|to| before[*to].push(from)));
    let mut told: BTreeSet<usize> = BTreeSet::new();
    for (at, (name, _)) in automatic.iter().enumerate() {
        // Everything that can be reached from here, and leads back.
        let circle: BTreeSet<usize> = reached(at, &next).intersection(&reached(at, &before)).copied().collect();
        if !circle.contains(&at) || told.contains(&at) {
            continue;
        }
        told.extend(&circle);
        let circle: BTreeSet<&str> = circle.into_iter().map(|i| automatic[i].0.as_str()).collect();
        let members: Vec<&Activity<Written>> = automatic.iter().filter(|(n, _)| circle.contains(n.as_str())).map(|(_, a)| *a).collect();
        let transitions =
            || members.iter().flat_map(|a| a.next.iter()).flat_map(Next::branches).flat_map(|(_, b)| b.targets()).filter_map(|(t, _)| t);
        // Without a way out, that is the finding of the proof.
        let leaves = members.iter().flat_map(|a| a.targets()).any(|t| !circle.contains(t.as_str()));
        if leaves && !changes(&members, transitions(), cx) {
            let others = circle.iter().filter(|c| **c != name.as_str()).map(|c| format!("`{c}`")).collect::<Vec<_>>();
            let round = if others.is_empty() { format!("`{name}`") } else { format!("`{name}`, {}", others.join(", ")) };
            let d = Diagnostic::error(
                "automatic-circle",
                name.span,
                format!("{round} goes round without end once it goes round: nothing in it changes what its conditions read"),
            );
            cx.push(d.help("set in the circle what ends it, or let a person or a clock come between"));
        }
    }
}

/// Everything to which the arrows lead from here.
fn reached(from: usize, arrows: &[Vec<usize>]) -> BTreeSet<usize> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(at) = open.pop() {
        open.extend(arrows[at].iter().filter(|to| found.insert(**to)));
    }
    found
}

/// Whether some action in the circle changes something that a condition in it reads.
fn changes<'t>(members: &[&Activity<Written>], transitions: impl Iterator<Item = &'t Transition<Written>> + Clone, cx: &Cx) -> bool {
    let mut reads: BTreeSet<String> = BTreeSet::new();
    for when in transitions.clone().filter_map(|t| t.when.as_ref()) {
        match cx.compiled(when) {
            Some(program) => reads.extend(program.reads.iter().cloned()),
            // What is wrong with it was told.
            None => return true,
        }
    }
    // What was done last is another thing each time.
    if reads.iter().any(|path| path.starts_with("steps.")) {
        return true;
    }
    let lists = members.iter().map(|a| &a.actions[..]).chain(transitions.map(|t| &t.actions[..]));
    lists.flat_map(with_others).any(|action| touches(action, &reads, cx))
}

fn touches(action: &Action<Written>, reads: &BTreeSet<String>, cx: &Cx) -> bool {
    let path = |name: &str| Slot::find(cx.names, name).map_or_else(|| format!("process.data.{name}"), |s| s.path());
    let hit = |path: String| {
        reads.iter().any(|r| {
            *r == path || (path == "ticket.state" && r == "ticket.state_type") || (path == "ticket.priority" && r == "ticket.priority_name")
        })
    };
    match &action.verb {
        Verb::Set(set) => set.names().any(|n| hit(path(n))),
        Verb::Increment(increment) => increment.names().any(|n| hit(path(n))),
        Verb::Assign(_) => reads.iter().any(|r| r.starts_with("ticket.owner") || r.starts_with("ticket.responsible") || r == "ticket.lock"),
        Verb::Account(_) => reads.contains("ticket.accounted"),
        Verb::Create(_)
        | Verb::Incident(_)
        | Verb::Link(_)
        | Verb::Note(_)
        | Verb::Notify(_)
        | Verb::Split(_)
        | Verb::Unwatch(_)
        | Verb::Watch(_) => false,
        // The others reach further than can be seen here.
        _ => true,
    }
}
