//! Is the net sound (C28)? Every activity can be reached, from every state the end can be reached, nothing waits for ever,
//! and tokens do not grow without end. W. van der Aalst, "The Application of Petri Nets to Workflow Management" (1998).
//!
//! Conditions are free; `while`, mutexes, messages and timers can happen. Small nets are looked at whole, breadth first,
//! so that a counter-example is the shortest; larger ones with one independent token after the other (partial-order
//! reduction after A. Valmari's stubborn sets). What is larger still is not decided.

mod explore;
pub mod fault;
pub mod marking;
mod moves;
mod state;

pub use crate::counter_example::Step;
use crate::kinds::process::Process;
use crate::names::Names;
use crate::phase::Phase;
use crate::soundness::explore::explore;
use crate::soundness::fault::Answer;
pub use crate::soundness::fault::Fault;
pub use crate::soundness::fault::Limits;
use crate::soundness::marking::Marking;
use crate::soundness::moves::Moves;
use crate::soundness::state::{Layout, State};

/// Small nets are looked at whole, larger ones with the reduction.
const LIMITS: [Limits; 2] = [Limits { states: 1_500, reduced: false }, Limits { states: 60_000, reduced: true }];

/// The net must be whole: every name of an activity in it is there.
pub fn decide<S: Phase>(names: &Names<S>, process: &Process<S>) -> Answer {
    decide_within(names, process, &LIMITS)
}

/// As [`decide`], with other limits: each is tried where the one before it did not suffice.
pub fn decide_within<S: Phase>(names: &Names<S>, process: &Process<S>, limits: &[Limits]) -> Answer {
    let Some(moves) = Moves::new(names, process) else { return Answer::Undecided };
    let layout = Layout::new(&moves);
    let starts: Vec<State> = moves.starts.iter().map(|at| layout.start(*at)).collect();
    limits.iter().find_map(|l| explore(&layout, &starts, *l)).unwrap_or(Answer::Undecided)
}

/// As [`decide`], of an instance that is somewhere: can it end from there, and does nothing wait for ever? What is about
/// the net as a whole, or only unusual, is no fault here.
pub fn decide_from<S: Phase>(names: &Names<S>, process: &Process<S>, marking: &Marking) -> Answer {
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
