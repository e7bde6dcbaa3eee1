//! Where the tokens are, and what a move makes of that: the engine's rules for joins (C8, C9) on counts.

use super::Marking;
use super::moves::{Move, Moves};
use crate::kinds::process::Join;
use std::collections::VecDeque;

/// Tokens that one place holds while it is looked whether they grow without end.
pub const TOKENS_MAX: u8 = 8;

/// Counts, flat: for each activity those in it, then for each arrow those that wait, then for each arrow whether it has
/// delivered in a round that has fired.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State(Box<[u8]>);

/// Where the counts of each activity's arrows begin.
pub struct Layout<'m> {
    pub moves: &'m Moves,
    arrows_at: Vec<usize>,
    arrows: usize,
    /// Joins that are looked at when all is at rest.
    settles: Vec<usize>,
    /// For each arrow, flat, the activities from which a token can come along it.
    comes: Vec<Vec<bool>>,
}

/// More than a place may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overfull(pub usize);

impl<'m> Layout<'m> {
    pub fn new(moves: &'m Moves) -> Self {
        let count = moves.names.len();
        let mut arrows_at = vec![];
        let mut arrows = 0;
        for list in &moves.arrows {
            arrows_at.push(count + arrows);
            arrows += list.len();
        }
        let mut comes = vec![];
        for (at, list) in moves.arrows.iter().enumerate() {
            let counted = matches!(moves.joins[at], Some(Join::Matching | Join::First { .. }));
            for arrow in list {
                comes.push(if counted { moves.net.comes(&moves.names[at], arrow) } else { vec![] });
            }
        }
        let rests = |at: &usize| matches!(moves.joins[*at], Some(Join::Matching | Join::First { cancels: false, .. }));
        let settles = (0..count).filter(rests).collect();
        Self { moves, arrows_at, arrows, settles, comes }
    }

    pub fn start(&self, at: usize) -> State {
        let mut state = State(vec![0; self.size()].into());
        state.0[at] = 1;
        state
    }

    /// `None` where it holds more than is looked at, or names what the net does not have.
    pub fn marked(&self, marking: &Marking) -> Option<State> {
        let mut state = State(vec![0; self.size()].into());
        let place = |name: &str| self.moves.names.iter().position(|n| n == name);
        let arrow = |at: usize, name: &str| self.moves.arrows[at].iter().position(|a| a == name);
        for token in &marking.tokens {
            let at = place(token.activity)?;
            let counted = match token.arrow {
                None => at,
                Some(_) if matches!(self.moves.joins[at], Some(Join::Tokens(_))) => self.waits(at, 0),
                Some(name) => self.waits(at, arrow(at, name)?),
            };
            self.add(&mut state, counted, at).ok()?;
        }
        for (at, name) in &marking.delivered {
            let at = place(at)?;
            state.0[self.delivered(at, arrow(at, name)?)] = 1;
        }
        self.settle(&mut state).ok()?;
        Some(state)
    }

    /// Bytes of one state.
    pub fn size(&self) -> usize {
        self.moves.names.len() + 2 * self.arrows
    }

    pub fn inside(&self, state: &State, at: usize) -> u8 {
        state.0[at]
    }

    fn waits(&self, at: usize, arrow: usize) -> usize {
        self.arrows_at[at] + arrow
    }

    fn delivered(&self, at: usize, arrow: usize) -> usize {
        self.arrows_at[at] + self.arrows + arrow
    }

    /// Activities at which tokens wait for others.
    pub fn waiting(&self, state: &State) -> Vec<usize> {
        let waits = |at: &usize| (0..self.moves.arrows[*at].len()).any(|a| state.0[self.waits(*at, a)] > 0);
        (0..self.moves.names.len()).filter(waits).collect()
    }

    /// No token is left.
    pub fn is_over(&self, state: &State) -> bool {
        state.0[..self.moves.names.len() + self.arrows].iter().all(|c| *c == 0)
    }

    /// The state after the move of a token of `at`, or of a group.
    pub fn after(&self, state: &State, at: Option<usize>, m: &Move) -> Result<State, Overfull> {
        let mut next = state.clone();
        if m.ends {
            next.0.fill(0);
            return Ok(next);
        }
        if let Some(at) = at.filter(|_| !m.stays) {
            next.0[at] -= 1;
        }
        for cancelled in &m.cancels {
            // The token that does it goes its own way.
            let kept = if Some(*cancelled) == at && m.stays { 1 } else { 0 };
            next.0[*cancelled] = next.0[*cancelled].min(kept);
            self.none_waits(&mut next, *cancelled);
        }
        for (to, times, arrow) in &m.produces {
            for _ in 0..*times {
                self.produce(&mut next, *to, *arrow)?;
            }
        }
        for to in &m.reopens {
            if next.0[*to] == 0 {
                next.0[*to] = 1;
            }
        }
        self.settle(&mut next)?;
        Ok(next)
    }

    /// What waits at the join is taken away.
    fn none_waits(&self, state: &mut State, at: usize) {
        let first = self.waits(at, 0);
        state.0[first..first + self.moves.arrows[at].len()].fill(0);
    }

    fn add(&self, state: &mut State, place: usize, at: usize) -> Result<(), Overfull> {
        state.0[place] += 1;
        if state.0[place] > TOKENS_MAX { Err(Overfull(at)) } else { Ok(()) }
    }

    fn produce(&self, state: &mut State, at: usize, arrow: usize) -> Result<(), Overfull> {
        let count = self.moves.arrows[at].len();
        match self.moves.joins[at].unwrap_or(Join::Any) {
            Join::Any => self.add(state, at, at),
            Join::All => {
                self.add(state, self.waits(at, arrow), at)?;
                self.take_all(state, at)
            }
            Join::Matching => self.add(state, self.waits(at, arrow), at),
            Join::Tokens(k) => {
                // Whatever their arrows, they are counted on the first; a number that no place holds is taken as the most.
                let waits = self.waits(at, 0);
                self.add(state, waits, at)?;
                if usize::from(state.0[waits]) < k.min(usize::from(TOKENS_MAX)) {
                    return Ok(());
                }
                state.0[waits] = 0;
                self.add(state, at, at)
            }
            Join::First { count: n, cancels } => {
                self.add(state, self.waits(at, arrow), at)?;
                self.first(state, at, n.min(count), cancels)
            }
        }
    }

    fn take_all(&self, state: &mut State, at: usize) -> Result<(), Overfull> {
        let count = self.moves.arrows[at].len();
        while (0..count).all(|a| state.0[self.waits(at, a)] > 0) {
            (0..count).for_each(|a| state.0[self.waits(at, a)] -= 1);
            self.add(state, at, at)?;
        }
        Ok(())
    }

    fn first(&self, state: &mut State, at: usize, n: usize, cancels: bool) -> Result<(), Overfull> {
        let arrows = 0..self.moves.arrows[at].len();
        loop {
            if arrows.clone().any(|a| state.0[self.delivered(at, a)] > 0) {
                for a in
                    arrows.clone().filter(|a| state.0[self.delivered(at, *a)] == 0 && state.0[self.waits(at, *a)] > 0).collect::<Vec<_>>()
                {
                    state.0[self.waits(at, a)] -= 1;
                    state.0[self.delivered(at, a)] = 1;
                }
                return Ok(());
            }
            let there: Vec<usize> = arrows.clone().filter(|a| state.0[self.waits(at, *a)] > 0).take(n).collect();
            if there.len() < n {
                return Ok(());
            }
            there.iter().for_each(|a| state.0[self.waits(at, *a)] -= 1);
            self.add(state, at, at)?;
            if cancels {
                for gone in &self.moves.regions[at] {
                    state.0[*gone] = 0;
                    self.none_waits(state, *gone);
                }
            } else {
                there.iter().for_each(|a| state.0[self.delivered(at, *a)] = 1);
            }
        }
    }

    /// Can a token still come along the arrow?
    fn can_come(&self, state: &State, at: usize, arrow: usize) -> bool {
        let from = &self.comes[self.waits(at, arrow) - self.moves.names.len()];
        let there = |place: usize| {
            state.0[place] > 0 || (place != at && (0..self.moves.arrows[place].len()).any(|a| state.0[self.waits(place, a)] > 0))
        };
        (0..from.len()).any(|place| from[place] && there(place))
    }

    /// At rest: rounds that are over begin anew, and joins for which nothing more can come fire.
    fn settle(&self, state: &mut State) -> Result<(), Overfull> {
        let mut open: VecDeque<usize> = self.settles.iter().copied().collect();
        while let Some(at) = open.pop_front() {
            let arrows = 0..self.moves.arrows[at].len();
            let fired = match self.moves.joins[at] {
                Some(Join::First { count, cancels: false }) => {
                    let delivered = |a: &usize| state.0[self.delivered(at, *a)] > 0;
                    let round = arrows.clone().any(|a| delivered(&a));
                    let over = round && arrows.clone().all(|a| delivered(&a) || !self.can_come(state, at, a));
                    if over {
                        arrows.clone().for_each(|a| state.0[self.delivered(at, a)] = 0);
                        self.first(state, at, count.min(arrows.len()), false)?;
                    }
                    over
                }
                Some(Join::Matching) => {
                    let there = |a: &usize| state.0[self.waits(at, *a)] > 0;
                    let some = arrows.clone().any(|a| there(&a));
                    let ready = some && arrows.clone().all(|a| there(&a) || !self.can_come(state, at, a));
                    if ready {
                        self.fire_matching(state, at)?;
                    }
                    ready
                }
                _ => false,
            };
            if fired {
                open = self.settles.iter().copied().collect();
            }
        }
        // All wait for each other: the first goes.
        let names = self.moves.names.len();
        if !self.settles.is_empty() && state.0[..names].iter().all(|c| *c == 0) {
            let waiting = self.waiting(state);
            if !waiting.is_empty() && waiting.iter().all(|at| self.moves.joins[*at] == Some(Join::Matching)) {
                self.fire_matching(state, waiting[0])?;
                return self.settle(state);
            }
        }
        Ok(())
    }

    fn fire_matching(&self, state: &mut State, at: usize) -> Result<(), Overfull> {
        for a in 0..self.moves.arrows[at].len() {
            let place = self.waits(at, a);
            state.0[place] = state.0[place].saturating_sub(1);
        }
        self.add(state, at, at)
    }
}
