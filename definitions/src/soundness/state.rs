//! Where the tokens are, and what a move makes of that: the engine's rules for joins (C8, C9) on counts.

use crate::kinds::branch::Join;
use crate::soundness::marking::Marking;
use crate::soundness::moves::{Effect, Move, Moves, Nearer};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;

/// More tokens in one place than this are a reason to ask whether they grow without end.
pub const TOKENS_MANY: u8 = 8;

/// Tokens that one place holds at most while that is not known.
const TOKENS_MAX: u8 = 250;

/// The age of the oldest token of a join: there is none, it is not known, or it is to be the youngest.
const NOTHING: u8 = 0;
const UNKNOWN: u8 = 254;
const YOUNGEST: u8 = 255;

/// Most states that the order of firing joins may lead to in one move.
const CHOICES_MAX: usize = 2_000;
/// Tokens that wait at most for their turn to go on by themselves.
const QUEUE_MAX: usize = 500;

/// Counts, flat: for each activity those in it, then for each arrow those that wait, then for each arrow whether it has
/// delivered in a round that has fired, for each timer of a group whether it has fired, and for each join that waits for
/// what can come when its oldest token came: of those that are ready the oldest goes first. After them, two bytes each,
/// the activities that tokens have entered and that have still to go on by themselves, first in, first out (C4.5).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State(Vec<u8>);

/// Where the counts of each activity's arrows begin.
pub struct Layout<'m> {
    pub moves: &'m Moves,
    /// For each activity whether a token was seen to enter it, past its join.
    pub entered: Vec<Cell<bool>>,
    /// The activities that a token has just entered while another was there.
    crowded: RefCell<Vec<usize>>,
    /// States visited on the way to rest because several joins may fire first.
    pub looked: Cell<usize>,
    arrows_at: Vec<usize>,
    arrows: usize,
    /// Joins that are looked at when all is at rest.
    settles: Vec<usize>,
    /// For each activity the place of its age, where it is a join that waits for what can come.
    ages: Vec<Option<usize>>,
    size: usize,
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
        // In the engine's order: rounds by the name of their join, then the joins that wait for what can come.
        let mut settles: Vec<usize> = (0..count).filter(rests).collect();
        settles.sort_by_key(|at| (moves.joins[*at] == Some(Join::Matching), &moves.names[*at]));
        let mut size = count + 2 * arrows + moves.clocks.len();
        let mut ages = vec![None; count];
        for at in (0..count).filter(|at| moves.joins[*at] == Some(Join::Matching)) {
            ages[at] = Some(size);
            size += 1;
        }
        Self {
            moves,
            ages,
            size,
            entered: vec![Cell::new(false); count],
            crowded: RefCell::default(),
            looked: Cell::new(0),
            arrows_at,
            arrows,
            settles,
            comes,
        }
    }

    /// Where an instance begins in this activity.
    pub fn start(&self, at: usize) -> State {
        let mut state = State(vec![0; self.size()]);
        // One token is never too many.
        let _ = self.arrive(&mut state, at);
        state
    }

    /// `None` where it holds more than is looked at, or names what the net does not have.
    pub fn marked(&self, marking: &Marking) -> Option<State> {
        let mut state = State(vec![0; self.size()]);
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
        for at in 0..self.ages.len() {
            if self.waits_at(&state, at) {
                self.age(&mut state, at, UNKNOWN);
            }
        }
        for (at, name) in &marking.delivered {
            let at = place(at)?;
            state.0[self.delivered(at, arrow(at, name)?)] = 1;
        }
        Some(state)
    }

    /// Bytes of one state.
    pub fn size(&self) -> usize {
        self.size
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

    /// The place that says whether a timer of a group has fired.
    fn fired(&self, clock: usize) -> usize {
        self.moves.names.len() + 2 * self.arrows + clock
    }

    /// A timer of a group that has not fired can, and a handler whose event no nearer one takes.
    pub fn can_fire(&self, state: &State, m: &Move) -> bool {
        let takes = |n: &Nearer| n.activities.iter().any(|a| state.0[*a] > 0) || n.groups.iter().any(|g| self.is_busy(state, *g));
        m.clock.is_none_or(|c| state.0[self.fired(c)] == 0) && (m.hidden.is_empty() || !m.hidden.iter().all(takes))
    }

    /// The group has tokens, be it at joins.
    pub fn is_busy(&self, state: &State, group: usize) -> bool {
        self.moves.of_groups[group].members.iter().any(|m| state.0[*m] > 0 || self.waits_at(state, *m))
    }

    /// Activities at which tokens wait for others.
    pub fn waiting(&self, state: &State) -> Vec<usize> {
        let waits = |at: &usize| (0..self.moves.arrows[*at].len()).any(|a| state.0[self.waits(*at, a)] > 0);
        (0..self.moves.names.len()).filter(waits).collect()
    }

    /// The activities without a join that a token has just entered while another was there; told once.
    pub fn take_crowded(&self) -> Vec<usize> {
        self.crowded.take()
    }

    /// All tokens wait for others.
    pub fn is_waiting(&self, state: &State) -> bool {
        state.0[..self.moves.names.len()].iter().all(|c| *c == 0) && !self.is_over(state)
    }

    /// No token is left.
    pub fn is_over(&self, state: &State) -> bool {
        state.0[..self.moves.names.len() + self.arrows].iter().all(|c| *c == 0)
    }

    /// The activity whose token goes on by itself now, and the state without its turn.
    pub fn turn(&self, state: &State) -> Option<(usize, State)> {
        let [low, high] = *state.0[self.size()..].first_chunk::<2>()?;
        let mut rest = state.clone();
        rest.0.drain(self.size()..self.size() + 2);
        Some((usize::from(u16::from_le_bytes([low, high])), rest))
    }

    /// No token goes on by itself.
    fn is_quiet(&self, state: &State) -> bool {
        state.0.len() == self.size()
    }

    /// The state after the move of a token of `at`, or of a group; with the activity that has many tokens then.
    pub fn after(&self, state: &State, at: Option<usize>, m: &Move) -> Result<(State, Option<usize>), Overfull> {
        let mut next = state.clone();
        if let Some(clock) = m.clock {
            next.0[self.fired(clock)] = 1;
        }
        // The token that acts is still in its activity.
        let mut acts = at;
        for effect in &m.effects {
            match effect {
                Effect::Leave => {
                    if let Some(at) = acts.take() {
                        next.0[at] -= 1;
                    }
                }
                Effect::Return => {
                    if let Some(at) = at {
                        next.0[at] += 1;
                        acts = Some(at);
                    }
                }
                Effect::Enter { at, arrow } => self.produce(&mut next, *at, *arrow)?,
                Effect::Again(at) => self.arrive(&mut next, *at)?,
                Effect::Withdraw(list) => list.iter().for_each(|gone| self.withdraw(&mut next, *gone, u8::from(acts == Some(*gone)))),
                Effect::Reopen(to) => {
                    if next.0[*to] == 0 && !self.waits_at(&next, *to) {
                        self.arrive(&mut next, *to)?;
                    }
                }
                Effect::End => {
                    next.0.truncate(self.size());
                    next.0.fill(0);
                    return Ok((next, None));
                }
            }
        }
        let many = m.effects.iter().find_map(|e| match e {
            Effect::Enter { at, arrow } if next.0[*at].max(next.0[self.waits(*at, self.counted(*at, *arrow))]) > TOKENS_MANY => Some(*at),
            Effect::Again(at) if next.0[*at] > TOKENS_MANY => Some(*at),
            _ => None,
        });
        Ok((next, many))
    }

    /// Are there as many tokens everywhere, and more of them here? What has turned to go on by itself is the same.
    pub fn grew(&self, before: &State, after: &State, at: usize) -> bool {
        let counts = self.moves.names.len() + self.arrows;
        let more = |place: usize| before.0[place] < after.0[place];
        let here = more(at) || (0..self.moves.arrows[at].len()).any(|a| more(self.waits(at, a)));
        here && (0..counts).all(|c| before.0[c] <= after.0[c]) && before.0[counts..] == after.0[counts..]
    }

    fn withdraw(&self, state: &mut State, at: usize, kept: u8) {
        state.0[at] = state.0[at].min(kept);
        self.none_waits(state, at);
        let size = self.size();
        if state.0.len() > size {
            let turns: Vec<u8> = state.0.split_off(size);
            let stay = turns.chunks_exact(2).filter(|t| usize::from(u16::from_le_bytes([t[0], t[1]])) != at);
            state.0.extend(stay.flatten());
        }
    }

    fn waits_at(&self, state: &State, at: usize) -> bool {
        (0..self.moves.arrows[at].len()).any(|a| state.0[self.waits(at, a)] > 0)
    }

    /// What waits at the join is taken away.
    fn none_waits(&self, state: &mut State, at: usize) {
        self.age(state, at, NOTHING);
        let first = self.waits(at, 0);
        state.0[first..first + self.moves.arrows[at].len()].fill(0);
    }

    fn add(&self, state: &mut State, place: usize, at: usize) -> Result<(), Overfull> {
        state.0[place] += 1;
        if state.0[place] > TOKENS_MAX { Err(Overfull(at)) } else { Ok(()) }
    }

    /// A token past its join.
    fn arrive(&self, state: &mut State, at: usize) -> Result<(), Overfull> {
        self.add(state, at, at)?;
        self.entered[at].set(true);
        if state.0[at] > 1 && self.moves.joins[at].is_none() && !self.moves.several {
            self.crowded.borrow_mut().push(at);
        }
        if !self.moves.on_entry[at].is_empty() {
            state.0.extend((at as u16).to_le_bytes());
        }
        if state.0.len() > self.size() + 2 * QUEUE_MAX { Err(Overfull(at)) } else { Ok(()) }
    }

    /// The arrow on which a token is counted that comes along this one.
    fn counted(&self, at: usize, arrow: usize) -> usize {
        if matches!(self.moves.joins[at], Some(Join::Tokens(_))) { 0 } else { arrow }
    }

    fn produce(&self, state: &mut State, at: usize, arrow: usize) -> Result<(), Overfull> {
        match self.moves.joins[at].unwrap_or(Join::Any) {
            Join::Any => self.arrive(state, at),
            Join::All => {
                self.add(state, self.waits(at, arrow), at)?;
                self.take_all(state, at)
            }
            Join::Matching => {
                if !self.waits_at(state, at) {
                    self.age(state, at, YOUNGEST);
                }
                self.add(state, self.waits(at, arrow), at)
            }
            Join::Tokens(k) => {
                let waits = self.waits(at, 0);
                self.add(state, waits, at)?;
                if usize::from(state.0[waits]) < k {
                    return Ok(());
                }
                state.0[waits] = 0;
                self.arrive(state, at)
            }
            Join::First { count: n, cancels } => {
                self.add(state, self.waits(at, arrow), at)?;
                self.first(state, at, n, cancels)
            }
        }
    }

    fn take_all(&self, state: &mut State, at: usize) -> Result<(), Overfull> {
        let count = self.moves.arrows[at].len();
        while (0..count).all(|a| state.0[self.waits(at, a)] > 0) {
            (0..count).for_each(|a| state.0[self.waits(at, a)] -= 1);
            self.arrive(state, at)?;
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
            self.arrive(state, at)?;
            if cancels {
                self.moves.regions[at].iter().for_each(|gone| self.withdraw(state, *gone, 0));
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

    /// At rest: rounds that are over begin anew, and joins for which nothing more can come fire. Several states where it
    /// depends on which of them is the first.
    pub fn run_automatic(&self, state: State) -> Result<Vec<State>, Overfull> {
        let (mut open, mut seen, mut rested) = (vec![state], HashSet::new(), vec![]);
        while let Some(state) = open.pop() {
            match self.rest_until_choice(state)? {
                (state, choices) if choices.is_empty() => {
                    if !rested.contains(&state) {
                        rested.push(state);
                    }
                }
                (state, choices) => {
                    // Pushed in reverse: the first join is explored first.
                    for at in choices.into_iter().rev() {
                        let mut fired = state.clone();
                        self.fire_matching(&mut fired, at)?;
                        // Different orders of firing often lead to the same state.
                        if seen.insert(fired.clone()) {
                            open.push(fired);
                        }
                        if seen.len() > CHOICES_MAX {
                            self.looked.set(self.looked.get() + seen.len());
                            return Err(Overfull(at));
                        }
                    }
                }
            }
        }
        self.looked.set(self.looked.get() + seen.len());
        Ok(rested)
    }

    /// Runs to rest, or to a state in which several joins may fire first; these are returned with it.
    fn rest_until_choice(&self, mut state: State) -> Result<(State, Vec<usize>), Overfull> {
        loop {
            if !self.is_quiet(&state) {
                return Ok((state, vec![]));
            }
            if self.settles.is_empty() {
                return Ok((self.settled(state), vec![]));
            }
            if self.next_round(&mut state)? {
                continue;
            }
            let mut joins: Vec<usize> = self.settles.iter().copied().filter(|at| self.is_ready(&state, *at)).collect();
            let names = self.moves.names.len();
            if joins.is_empty() && state.0[..names].iter().all(|c| *c == 0) {
                // All wait for each other: the oldest goes.
                let waiting = self.waiting(&state);
                if waiting.iter().all(|at| self.moves.joins[*at] == Some(Join::Matching)) {
                    joins = waiting;
                }
            }
            match self.oldest(&state, joins).as_slice() {
                [] => return Ok((self.settled(state), vec![])),
                [one] => self.fire_matching(&mut state, *one)?,
                several => return Ok((state, several.to_vec())),
            }
        }
    }

    /// Timers of groups that are empty can fire again. Where nothing is left, nothing is told of how it came to that.
    fn settled(&self, mut state: State) -> State {
        if self.is_over(&state) {
            state.0.fill(0);
        }
        for (clock, group) in self.moves.clocks.iter().enumerate() {
            if state.0[self.fired(clock)] > 0 && !self.is_busy(&state, *group) {
                state.0[self.fired(clock)] = 0;
            }
        }
        state
    }

    /// The first round that is over begins anew.
    fn next_round(&self, state: &mut State) -> Result<bool, Overfull> {
        for at in &self.settles {
            let Some(Join::First { count, cancels: false }) = self.moves.joins[*at] else { continue };
            let arrows = 0..self.moves.arrows[*at].len();
            let delivered = |a: &usize| state.0[self.delivered(*at, *a)] > 0;
            let round = arrows.clone().any(|a| delivered(&a));
            if round && arrows.clone().all(|a| delivered(&a) || !self.can_come(state, *at, a)) {
                arrows.for_each(|a| state.0[self.delivered(*at, a)] = 0);
                self.first(state, *at, count, false)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// It waits for what can come, and nothing more can.
    fn is_ready(&self, state: &State, at: usize) -> bool {
        let there = |a: usize| state.0[self.waits(at, a)] > 0;
        let arrows = 0..self.moves.arrows[at].len();
        self.moves.joins[at] == Some(Join::Matching)
            && self.waits_at(state, at)
            && arrows.into_iter().all(|a| there(a) || !self.can_come(state, at, a))
    }

    /// Notes when the oldest token of a join came: 1 is the oldest of all.
    fn age(&self, state: &mut State, at: usize, age: u8) {
        let Some(own) = self.ages[at] else { return };
        let ages = self.fired(self.moves.clocks.len())..self.size;
        let was = std::mem::replace(&mut state.0[own], NOTHING);
        if (1..UNKNOWN).contains(&was) {
            state.0[ages.clone()].iter_mut().filter(|a| (was + 1..UNKNOWN).contains(a)).for_each(|a| *a -= 1);
        }
        let known = state.0[ages].iter().filter(|a| (1..UNKNOWN).contains(a)).count();
        state.0[own] = if age == YOUNGEST { u8::try_from(known + 1).unwrap_or(UNKNOWN).min(UNKNOWN) } else { age };
    }

    /// Of these joins those that may have the oldest token.
    fn oldest(&self, state: &State, joins: Vec<usize>) -> Vec<usize> {
        let age = |at: &usize| self.ages[*at].map_or(UNKNOWN, |place| state.0[place]);
        if joins.iter().any(|at| age(at) == UNKNOWN) { joins } else { joins.into_iter().min_by_key(age).into_iter().collect() }
    }

    fn fire_matching(&self, state: &mut State, at: usize) -> Result<(), Overfull> {
        for a in 0..self.moves.arrows[at].len() {
            let place = self.waits(at, a);
            state.0[place] = state.0[place].saturating_sub(1);
        }
        // Tokens of another round may be older or younger than those that wait elsewhere.
        self.age(state, at, if self.waits_at(state, at) { UNKNOWN } else { NOTHING });
        self.arrive(state, at)
    }
}
