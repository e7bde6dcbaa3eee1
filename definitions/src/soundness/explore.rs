//! Every state that can be reached, and what is wrong with it.

use crate::counter_example::Step;
use crate::soundness::fault::{Answer, Fault, Limits};
use crate::soundness::moves::{Effect, Move, Moves};
use crate::soundness::state::{Layout, State};
use std::collections::{HashMap, VecDeque};

/// Bytes of all states, moves that are tried, and bytes that they copy.
const BYTES_MAX: usize = 24 * 1024 * 1024;
const MOVES_MAX: usize = 700_000;
const COPIED_MAX: usize = 160 * 1024 * 1024;
/// So many comparisons with earlier states cost as much as one move.
const LOOKS_OF_A_MOVE: usize = 16;

/// What moves: a token that has entered, one at rest, or a group.
#[derive(Clone, Copy)]
enum Mover {
    Entered(usize),
    Token(usize),
    Group(usize),
}

/// A state with how it was reached first.
struct Seen {
    state: State,
    before: Option<(usize, Mover, usize)>,
    next: Vec<usize>,
}

struct Explorer<'a> {
    layout: &'a Layout<'a>,
    all: Vec<Seen>,
    index: HashMap<State, usize>,
    open: VecDeque<usize>,
    tried: usize,
    /// For each activity whether something could happen there: a token of it was at rest, or went on by itself.
    lived: Vec<bool>,
    /// The first of each: the activity, and the state in which it is so.
    second: Vec<(usize, usize, Mover, usize)>,
    stuck: Vec<(usize, usize)>,
    /// With the move that makes one token more.
    unbounded: Vec<(usize, usize, Mover, usize)>,
    /// A place had more tokens than are counted, and it is not known whether they grow without end.
    overfull: bool,
}

/// `None` when there is more to look at than the limits allow, and no fault was found until then.
pub fn explore(layout: &Layout, starts: &[State], limits: Limits) -> Option<Answer> {
    let mut e = Explorer {
        layout,
        all: vec![],
        index: HashMap::new(),
        open: VecDeque::new(),
        tried: 0,
        lived: vec![false; layout.entered.len()],
        second: vec![],
        stuck: vec![],
        unbounded: vec![],
        overfull: false,
    };
    for state in starts {
        for rested in layout.run_automatic(state.clone()).ok()? {
            e.see(rested, None);
        }
    }
    let whole = e.explore(limits);
    if !whole && e.unbounded.is_empty() {
        return None;
    }
    let faults = e.faults();
    // The reduction may pass over an activity that tokens can enter.
    if limits.reduced && faults.iter().any(|f| matches!(f, Fault::NeverEntered { .. })) {
        let possible = layout.moves.enterable();
        if possible.iter().zip(&layout.entered).any(|(possible, entered)| *possible && !entered.get()) {
            return None;
        }
    }
    Some(if faults.is_empty() { Answer::Sound } else { Answer::Unsound(faults) })
}

impl Explorer<'_> {
    fn moves(&self) -> &Moves {
        self.layout.moves
    }

    /// The cost so far: tried moves, and states visited on the way to rest.
    fn spent(&self) -> usize {
        self.tried + self.layout.looked.get()
    }

    /// The place of the state, and whether it is new.
    fn see(&mut self, state: State, before: Option<(usize, Mover, usize)>) -> (usize, bool) {
        if let Some(known) = self.index.get(&state) {
            return (*known, false);
        }
        let at = self.all.len();
        self.index.insert(state.clone(), at);
        self.open.push_back(at);
        self.all.push(Seen { state, before, next: vec![] });
        (at, true)
    }

    /// False when a limit came first.
    fn explore(&mut self, limits: Limits) -> bool {
        let size = self.layout.size().max(1);
        let states = limits.states.min(BYTES_MAX / size);
        let moves = MOVES_MAX.min(COPIED_MAX / size);
        while let Some(at) = self.open.pop_front() {
            match self.layout.turn(&self.all[at].state) {
                Some((activity, state)) => {
                    // What only does something on entry has not come to its people yet.
                    self.lived[activity] |= self.moves().on_entry[activity].iter().any(|m| m.effects.contains(&Effect::Leave));
                    self.try_all(at, &state, Mover::Entered(activity));
                }
                None => self.at_rest(at, limits.reduced),
            }
            if self.all.len() > states || self.spent() > moves {
                return false;
            }
        }
        !self.overfull
    }

    fn at_rest(&mut self, at: usize, reduced: bool) {
        let (layout, state) = (self.layout, self.all[at].state.clone());
        let moves = layout.moves;
        let inside: Vec<usize> = (0..moves.names.len()).filter(|a| layout.inside(&state, *a) > 0).collect();
        inside.iter().for_each(|a| self.lived[*a] = true);
        if let Some(alone) = inside.iter().copied().find(|a| reduced && is_independent(moves, *a))
            && self.try_all(at, &state, Mover::Token(alone))
        {
            return;
        }
        let waiting = layout.waiting(&state);
        let can =
            |group: &usize| moves.of_groups[*group].moves.iter().any(|m| layout.can_fire(&state, m)) && layout.is_busy(&state, *group);
        let groups: Vec<usize> = (0..moves.of_groups.len()).filter(can).collect();
        let tokens = inside.iter().filter(|a| !moves.of_activity[**a].is_empty());
        let movers: Vec<Mover> = tokens.map(|a| Mover::Token(*a)).chain(groups.into_iter().map(Mover::Group)).collect();
        if movers.is_empty() && inside.is_empty() {
            let waits = waiting.into_iter().next();
            self.stuck.extend(waits.filter(|w| !self.stuck.iter().any(|(s, _)| s == w)).map(|w| (w, at)));
        }
        for mover in movers {
            self.try_all(at, &state, mover);
        }
    }

    /// Every move of one mover. True when one of them leads to a state that was not known.
    fn try_all(&mut self, at: usize, state: &State, mover: Mover) -> bool {
        let layout = self.layout;
        let (place, moves) = moves_of(layout.moves, mover);
        let mut new = false;
        for (i, m) in moves.iter().enumerate().filter(|(_, m)| layout.can_fire(state, m)) {
            self.tried += 1;
            let Ok((next, many)) = layout.after(state, place, m) else {
                self.overfull = true;
                continue;
            };
            let Ok(rested) = layout.run_automatic(next) else {
                self.overfull = true;
                continue;
            };
            for crowded in layout.take_crowded() {
                if !self.second.iter().any(|(s, ..)| *s == crowded) {
                    self.second.push((crowded, at, mover, i));
                }
            }
            for next in rested {
                if let Some(activity) = many
                    && !self.index.contains_key(&next)
                    && self.grows(at, &next, activity, (mover, i))
                {
                    if !self.unbounded.iter().any(|(a, ..)| *a == activity) {
                        self.unbounded.push((activity, at, mover, i));
                    }
                    continue;
                }
                let (to, first) = self.see(next, Some((at, mover, i)));
                new |= first;
                self.all[at].next.push(to);
            }
        }
        new
    }

    /// Can what led from an earlier state to this one be done again and again, each time with more tokens here? Such a state
    /// has all tokens of an earlier one (R. Karp and R. Miller, "Parallel Program Schemata", 1969); where tokens are
    /// withdrawn or joins wait for what can come, that is not enough, so the way is walked twice more.
    ///
    /// Each step of a replayed path counts as a tried move, which bounds the replays of long paths.
    fn grows(&mut self, at: usize, next: &State, activity: usize, last: (Mover, usize)) -> bool {
        let mut way = vec![last];
        let mut earlier = at;
        loop {
            if way.len().is_multiple_of(LOOKS_OF_A_MOVE) {
                self.tried += 1;
            }
            if self.spent() > MOVES_MAX {
                return false;
            }
            if self.layout.grew(&self.all[earlier].state, next, activity) {
                self.tried += way.len();
                if self.again(next, &way, activity) {
                    return true;
                }
            }
            let Some((before, mover, i)) = self.all[earlier].before else { return false };
            way.push((mover, i));
            earlier = before;
        }
    }

    /// Walks the way, which ends with its first step, twice from here.
    fn again(&self, from: &State, way: &[(Mover, usize)], activity: usize) -> bool {
        let mut state = from.clone();
        for _ in 0..2 {
            let begun = state.clone();
            for (mover, i) in way.iter().rev() {
                let (place, moves) = moves_of(self.moves(), *mover);
                state = match (mover, self.layout.turn(&state)) {
                    (Mover::Entered(a), Some((turn, rest))) if turn == *a => rest,
                    (Mover::Token(_) | Mover::Group(_), None) => state,
                    _ => return false,
                };
                if place.is_some_and(|at| self.layout.inside(&state, at) == 0) || !self.layout.can_fire(&state, &moves[*i]) {
                    return false;
                }
                let next = self.layout.after(&state, place, &moves[*i]).and_then(|(next, _)| self.layout.run_automatic(next));
                // More than is counted: it does grow.
                let Ok(mut rested) = next else { return true };
                state = rested.swap_remove(0);
            }
            if !self.layout.grew(&begun, &state, activity) {
                return false;
            }
        }
        true
    }

    /// The beginning of the way to a state and of the move after it, up to where tokens have grown for the first time.
    fn growth(&self, activity: usize, at: usize, last: (Mover, usize)) -> Vec<Step> {
        let mut way = vec![at];
        while let Some((before, ..)) = self.all[way[way.len() - 1]].before {
            way.push(before);
        }
        way.reverse();
        for (n, after) in way.iter().enumerate() {
            let mut steps = vec![];
            for pair in way[..=n].windows(2).rev() {
                steps.extend(self.all[pair[1]].before.map(|(_, mover, i)| (mover, i)));
                let (earlier, now) = (&self.all[pair[0]].state, &self.all[*after].state);
                if self.layout.grew(earlier, now, activity) && self.again(now, &steps, activity) {
                    return self.path(*after);
                }
            }
        }
        let mut path = self.path(at);
        path.push(self.step(last.0, last.1));
        path
    }

    fn step(&self, mover: Mover, i: usize) -> Step {
        let moves = self.moves();
        let (place, list) = moves_of(moves, mover);
        let at = match (mover, place) {
            (Mover::Group(g), _) => moves.of_groups[g].name.clone(),
            (_, place) => place.map(|a| moves.names[a].clone()).unwrap_or_default(),
        };
        Step { at, what: list[i].label.clone(), to: list[i].to.clone() }
    }

    fn path(&self, mut at: usize) -> Vec<Step> {
        let mut steps = vec![];
        while let Some((before, mover, i)) = self.all[at].before {
            // A token that enters and only waits does nothing to tell of.
            let silent = moves_of(self.moves(), mover).1[i].effects.is_empty();
            steps.extend((!silent).then(|| self.step(mover, i)));
            at = before;
        }
        steps.reverse();
        steps
    }

    fn faults(&self) -> Vec<Fault> {
        let name = |a: usize| self.moves().names[a].clone();
        let mut faults: Vec<Fault> = vec![];
        faults.extend(self.stuck.iter().map(|(a, at)| Fault::Waits { activity: name(*a), path: self.path(*at) }));
        let unbounded = self.unbounded.iter().take(1);
        faults.extend(unbounded.map(|(a, at, mover, i)| Fault::Unbounded { activity: name(*a), path: self.growth(*a, *at, (*mover, *i)) }));
        if faults.is_empty() {
            faults.extend(self.no_end());
        }
        if faults.is_empty() {
            let never = (0..self.layout.entered.len()).filter(|a| !self.layout.entered[*a].get());
            faults.extend(never.map(|a| Fault::NeverEntered { activity: name(a) }));
            let withdrawn = (0..self.lived.len()).filter(|a| self.layout.entered[*a].get() && !self.lived[*a]);
            faults.extend(withdrawn.map(|a| Fault::Withdrawn { activity: name(a) }));
            faults.extend(self.second.iter().map(|(a, at, mover, i)| {
                let mut path = self.path(*at);
                path.push(self.step(*mover, *i));
                Fault::Second { activity: name(*a), path }
            }));
        }
        faults
    }

    /// The first state from which none leads to the end.
    fn no_end(&self) -> Option<Fault> {
        let mut before: Vec<Vec<usize>> = vec![vec![]; self.all.len()];
        for (at, seen) in self.all.iter().enumerate() {
            seen.next.iter().for_each(|to| before[*to].push(at));
        }
        let mut ends = vec![false; self.all.len()];
        let mut open: Vec<usize> = (0..self.all.len()).filter(|at| self.layout.is_over(&self.all[*at].state)).collect();
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut ends[at], true) {
                open.extend(&before[at]);
            }
        }
        // Of these, one in which all tokens wait says most.
        let waits = |at: &usize| self.layout.is_waiting(&self.all[*at].state);
        let dead = || (0..ends.len()).filter(|at| !ends[*at]);
        let at = dead().find(waits).or_else(|| dead().next())?;
        let state = &self.all[at].state;
        let inside = (0..self.moves().names.len()).find(|a| self.layout.inside(state, *a) > 0);
        let name = |a: usize| self.moves().names[a].clone();
        match inside {
            Some(activity) => Some(Fault::NoEnd { activity: name(activity), path: self.path(at) }),
            None => self.layout.waiting(state).first().map(|w| Fault::Waits { activity: name(*w), path: self.path(at) }),
        }
    }
}

/// The activity whose token it is, and the moves.
fn moves_of(moves: &Moves, mover: Mover) -> (Option<usize>, &[Move]) {
    match mover {
        Mover::Entered(a) => (Some(a), &moves.on_entry[a]),
        Mover::Token(a) => (Some(a), &moves.of_activity[a]),
        Mover::Group(g) => (None, &moves.of_groups[g].moves),
    }
}

/// It is the same whether this activity's token moves before or after all others: nothing else takes it away, and where
/// it goes nothing depends on when it comes.
fn is_independent(moves: &Moves, activity: usize) -> bool {
    let own = &moves.of_activity[activity];
    let quiet = |m: &Move| !m.disturbs() && m.enters().all(|to| !moves.disturbs[to]);
    !own.is_empty() && !moves.cancellable[activity] && own.iter().all(quiet)
}
