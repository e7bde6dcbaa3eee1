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

/// The net must be whole: every name of an activity in it is there.
pub fn decide(names: &Names, process: &Process) -> Answer {
    let Some(moves) = Moves::new(names, process) else { return Answer::Undecided };
    explore(&moves, WHOLE_MAX, false).or_else(|| explore(&moves, REDUCED_MAX, true)).unwrap_or(Answer::Undecided)
}
