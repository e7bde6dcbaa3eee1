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
pub use explore::{Fault, Step};
use moves::Moves;
use state::{Layout, State};

/// States that are looked at without reduction.
const WHOLE_MAX: usize = 1_500;
/// States that are looked at with it.
const REDUCED_MAX: usize = 20_000;

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
    let Some(moves) = Moves::new(names, process) else { return Answer::Undecided };
    let layout = Layout::new(&moves);
    let starts: Vec<State> = moves.starts.iter().map(|at| layout.start(*at)).collect();
    let found = explore(&layout, &starts, WHOLE_MAX, false).or_else(|| explore(&layout, &starts, REDUCED_MAX, true));
    found.unwrap_or(Answer::Undecided)
}

/// As [`decide`], of an instance that is somewhere: can it end from there, and does nothing wait for ever? What is about
/// the net as a whole, or only unusual, is no fault here.
pub fn decide_from(names: &Names, process: &Process, marking: &Marking) -> Answer {
    let Some(moves) = Moves::new(names, process) else { return Answer::Undecided };
    let layout = Layout::new(&moves);
    let Some(start) = layout.marked(marking) else { return Answer::Undecided };
    let starts = [start];
    match explore(&layout, &starts, WHOLE_MAX, false).or_else(|| explore(&layout, &starts, REDUCED_MAX, true)) {
        None => Answer::Undecided,
        Some(Answer::Unsound(mut faults)) => {
            faults.retain(|f| !matches!(f, Fault::NeverEntered { .. } | Fault::Second { .. }));
            if faults.is_empty() { Answer::Sound } else { Answer::Unsound(faults) }
        }
        Some(other) => other,
    }
}
