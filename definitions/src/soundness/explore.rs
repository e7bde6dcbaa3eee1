//! Every state that can be reached, and what is wrong with it.

use super::Answer;
use super::moves::{Move, Moves};
use super::state::{Layout, Overfull, State};
use std::collections::{HashMap, VecDeque};
use std::fmt;

/// What is wrong, at an activity, and how it comes to that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No way leads into it, though arrows do.
    NeverEntered { activity: String },
    /// Tokens wait there, and nothing more can come.
    Waits { activity: String, path: Vec<Step> },
    /// From here the end cannot be reached.
    NoEnd { activity: String, path: Vec<Step> },
    /// Tokens grow without end.
    Unbounded { activity: String, path: Vec<Step> },
    /// A second token can come while one is there, and nothing says that this is meant.
    Second { activity: String, path: Vec<Step> },
}

/// One thing that happens on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The activity, or the group, in which it happens.
    pub at: String,
    /// An outcome, a timer, an event; empty where there is nothing to say.
    pub what: String,
}

impl Fault {
    pub fn activity(&self) -> &str {
        match self {
            Self::NeverEntered { activity }
            | Self::Waits { activity, .. }
            | Self::NoEnd { activity, .. }
            | Self::Unbounded { activity, .. }
            | Self::Second { activity, .. } => activity,
        }
    }

    /// The way that leads there.
    pub fn path(&self) -> &[Step] {
        match self {
            Self::NeverEntered { .. } => &[],
            Self::Waits { path, .. } | Self::NoEnd { path, .. } | Self::Unbounded { path, .. } | Self::Second { path, .. } => path,
        }
    }
}

/// A sentence with its counter-example.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let at = self.activity();
        match self {
            Self::NeverEntered { .. } => return write!(f, "`{at}` is never entered: what it waits for cannot come"),
            Self::Waits { .. } => write!(f, "a token can wait at `{at}` for ever: ")?,
            Self::NoEnd { .. } => write!(f, "from `{at}` the end cannot be reached: ")?,
            Self::Unbounded { .. } => write!(f, "tokens at `{at}` grow without end: ")?,
            Self::Second { .. } => write!(f, "a second token can enter `{at}` while one is there: ")?,
        }
        let path = self.path();
        if path.is_empty() {
            return f.write_str("at the start");
        }
        for (i, step) in path.iter().take(STEPS_SHOWN).enumerate() {
            f.write_str(if i == 0 { "after " } else { ", " })?;
            match step.what.as_str() {
                "" => write!(f, "`{}`", step.at)?,
                what => write!(f, "`{}` ({what})", step.at)?,
            }
        }
        if path.len() > STEPS_SHOWN { write!(f, ", and {} more", path.len() - STEPS_SHOWN) } else { Ok(()) }
    }
}

/// A state with how it was reached first.
struct Seen {
    state: State,
    before: Option<(usize, Step)>,
    next: Vec<usize>,
}

/// Steps of a counter-example that a sentence names.
const STEPS_SHOWN: usize = 12;

/// Moves that are tried, and bytes of all states.
const MOVES_MAX: usize = 60_000;
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// `None` when there are more states than `max`, or more to try than the limits allow.
pub fn explore(layout: &Layout, starts: &[State], max: usize, reduced: bool) -> Option<Answer> {
    let moves = layout.moves;
    let max = max.min(BYTES_MAX / layout.size().max(1));
    let mut tried = 0;
    let mut faults = vec![];
    let mut entered = vec![false; moves.names.len()];
    let mut overfull: Vec<(usize, Vec<Step>)> = vec![];
    let mut second: Vec<(usize, usize)> = vec![];
    let mut stuck: Vec<(usize, usize)> = vec![];
    let mut all: Vec<Seen> = vec![];
    let mut index: HashMap<State, usize> = HashMap::new();
    let mut open = VecDeque::new();
    for state in starts {
        if !index.contains_key(state) {
            index.insert(state.clone(), all.len());
            open.push_back(all.len());
            all.push(Seen { state: state.clone(), before: None, next: vec![] });
        }
    }
    while let Some(at) = open.pop_front() {
        let state = all[at].state.clone();
        let inside: Vec<usize> = (0..moves.names.len()).filter(|a| layout.inside(&state, *a) > 0).collect();
        for a in &inside {
            entered[*a] = true;
            let unsaid = moves.joins[*a].is_none() && !moves.several;
            if unsaid && layout.inside(&state, *a) > 1 && !second.iter().any(|(s, _)| s == a) {
                second.push((*a, at));
            }
        }
        if inside.is_empty() && !layout.is_over(&state) {
            let waits = layout.waiting(&state).into_iter().next();
            stuck.extend(waits.filter(|w| !stuck.iter().any(|(s, _)| s == w)).map(|w| (w, at)));
        }
        for (place, name, m) in enabled(moves, &inside, reduced) {
            tried += 1;
            let step = || Step { at: name.to_owned(), what: m.label.clone() };
            match layout.after(&state, place, m) {
                Err(Overfull(activity)) => {
                    if !overfull.iter().any(|(a, _)| *a == activity) {
                        let mut path = path(&all, at);
                        path.push(step());
                        overfull.push((activity, path));
                    }
                }
                Ok(next) => {
                    let known = index.get(&next).copied();
                    let to = known.unwrap_or_else(|| {
                        index.insert(next.clone(), all.len());
                        open.push_back(all.len());
                        all.push(Seen { state: next, before: Some((at, step())), next: vec![] });
                        all.len() - 1
                    });
                    all[at].next.push(to);
                }
            }
        }
        if all.len() > max || tried > MOVES_MAX {
            if overfull.is_empty() {
                return None;
            }
            break;
        }
    }
    let name = |a: usize| moves.names[a].clone();
    faults.extend(stuck.iter().map(|(a, at)| Fault::Waits { activity: name(*a), path: path(&all, *at) }));
    faults.extend(overfull.iter().take(1).map(|(a, path)| Fault::Unbounded { activity: name(*a), path: path.clone() }));
    if faults.is_empty() {
        faults.extend(no_end(moves, layout, &all));
    }
    if faults.is_empty() {
        let never = (0..moves.names.len()).filter(|a| !entered[*a]);
        faults.extend(never.map(|a| Fault::NeverEntered { activity: name(a) }));
        faults.extend(second.iter().map(|(a, at)| Fault::Second { activity: name(*a), path: path(&all, *at) }));
    }
    Some(if faults.is_empty() { Answer::Sound } else { Answer::Unsound(faults) })
}

/// What can happen. Reduced: only in one activity, where nothing that happens elsewhere can take its token away.
fn enabled<'m>(moves: &'m Moves, inside: &[usize], reduced: bool) -> Vec<(Option<usize>, &'m str, &'m Move)> {
    let automatic: Vec<usize> = inside.iter().copied().filter(|a| moves.automatic[*a]).collect();
    let at_once = !automatic.is_empty();
    let inside = if at_once { &automatic } else { inside };
    let of = |a: usize| moves.of_activity[a].iter().map(move |m| (Some(a), moves.names[a].as_str(), m));
    let takes = |a: usize| moves.of_activity[a].iter().any(|m| !m.cancels.is_empty() || !m.reopens.is_empty() || m.stays);
    let alone = inside.iter().copied().find(|a| !moves.cancellable[*a] && !takes(*a) && !moves.of_activity[*a].is_empty());
    if let Some(a) = alone.filter(|_| reduced) {
        return of(a).collect();
    }
    if at_once {
        return inside.iter().flat_map(|a| of(*a)).collect();
    }
    let groups = moves.of_group.iter().filter(|(_, members, _)| inside.iter().any(|a| members.contains(a)));
    let of_groups = groups.flat_map(|(name, _, list)| list.iter().map(move |m| (None, name.as_str(), m)));
    inside.iter().flat_map(|a| of(*a)).chain(of_groups).collect()
}

fn path(all: &[Seen], mut at: usize) -> Vec<Step> {
    let mut steps = vec![];
    while let Some((before, step)) = &all[at].before {
        steps.push(step.clone());
        at = *before;
    }
    steps.reverse();
    steps
}

/// The first state from which none leads to the end.
fn no_end(moves: &Moves, layout: &Layout, all: &[Seen]) -> Option<Fault> {
    let mut before: Vec<Vec<usize>> = vec![vec![]; all.len()];
    for (at, seen) in all.iter().enumerate() {
        seen.next.iter().for_each(|to| before[*to].push(at));
    }
    let mut ends = vec![false; all.len()];
    let mut open: Vec<usize> = (0..all.len()).filter(|at| layout.is_over(&all[*at].state)).collect();
    while let Some(at) = open.pop() {
        if !std::mem::replace(&mut ends[at], true) {
            open.extend(&before[at]);
        }
    }
    let at = ends.iter().position(|e| !e)?;
    let activity = (0..moves.names.len()).find(|a| layout.inside(&all[at].state, *a) > 0)?;
    Some(Fault::NoEnd { activity: moves.names[activity].clone(), path: path(all, at) })
}
