//! Is the net sound (C28)? Every activity can be reached, from every state the end can be reached, nothing waits for ever,
//! and tokens do not grow without end. W. van der Aalst, "The Application of Petri Nets to Workflow Management" (1998).
//!
//! Conditions are free; `while`, mutexes, messages and timers can happen. Small nets are looked at whole, breadth first,
//! so that a counter-example is the shortest; larger ones with one independent token after the other (partial-order
//! reduction after A. Valmari's stubborn sets). What is larger still is not decided.

mod explore;
mod moves;
mod state;

use crate::kinds::process::Process;
use crate::model::Names;
use explore::explore;
pub use explore::{Fault, Limits, Step};
use moves::Moves;
use state::{Layout, State};

/// Small nets are looked at whole, larger ones with the reduction.
const LIMITS: [Limits; 2] = [Limits { states: 1_500, reduced: false }, Limits { states: 60_000, reduced: true }];

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Sound,
    /// Each with the way that leads there: activities with what happens in them.
    Unsound(Vec<Fault>),
    /// Not within the limit.
    Undecided,
}

/// A token: in an activity, or with an arrow waiting at its join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    pub activity: &'a str,
    pub arrow: Option<&'a str>,
}

/// Where an instance is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marking<'a> {
    pub tokens: Vec<Token<'a>>,
    /// Joins with the arrows that have delivered in a round that has fired.
    pub delivered: Vec<(&'a str, &'a str)>,
}

/// The net must be whole: every name of an activity in it is there.
pub fn decide(names: &Names, process: &Process) -> Answer {
    decide_within(names, process, &LIMITS)
}

/// As [`decide`], with other limits: each is tried where the one before it did not suffice.
pub fn decide_within(names: &Names, process: &Process, limits: &[Limits]) -> Answer {
    let Some(moves) = Moves::new(names, process) else { return Answer::Undecided };
    let layout = Layout::new(&moves);
    let starts: Vec<State> = moves.starts.iter().map(|at| layout.start(*at)).collect();
    limits.iter().find_map(|l| explore(&layout, &starts, *l)).unwrap_or(Answer::Undecided)
}

/// As [`decide`], of an instance that is somewhere: can it end from there, and does nothing wait for ever? What is about
/// the net as a whole, or only unusual, is no fault here.
pub fn decide_from(names: &Names, process: &Process, marking: &Marking) -> Answer {
    let Some(moves) = Moves::new(names, process) else { return Answer::Undecided };
    let layout = Layout::new(&moves);
    let Some(start) = layout.marked(marking) else { return Answer::Undecided };
    match LIMITS.iter().find_map(|l| explore(&layout, std::slice::from_ref(&start), *l)) {
        None => Answer::Undecided,
        Some(Answer::Unsound(mut faults)) => {
            faults.retain(|f| !matches!(f, Fault::NeverEntered { .. } | Fault::Withdrawn { .. } | Fault::Second { .. }));
            if faults.is_empty() { Answer::Sound } else { Answer::Unsound(faults) }
        }
        Some(other) => other,
    }
}
