//! What can happen in each activity, in the order in which the engine does it: a token leaves, others come, some are
//! withdrawn.

use crate::actions::{Action, Verb};
use crate::kinds::branch::{Branch, Join, Next, Split, Target, Transition};
use crate::kinds::handler::{EventName, LocalHandler};
use crate::kinds::process::{Activity, Process, Way};
use crate::names::Names;
use crate::net::Net;
use crate::outcomes::outcomes;
use crate::phase::Phase;
use std::collections::BTreeSet;

/// Transitions of one `split: matching` whose subsets are all looked at.
const SUBSETS_OF: usize = 12;

/// Ways in which the conditions of one list of actions can turn out.
const TURNS_MAX: usize = 64;

/// One thing that is done to tokens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The token that acts leaves its activity.
    Leave,
    /// It is put back: `stay`.
    Return,
    /// A token comes to the activity along this arrow.
    Enter { at: usize, arrow: usize },
    /// A token enters the activity past its join: `repeat`.
    Again(usize),
    /// The tokens of these activities are withdrawn, except the one that acts.
    Withdraw(Vec<usize>),
    /// The activity is entered again, unless a token is there.
    Reopen(usize),
    /// The instance ends.
    End,
}

/// One thing that can happen.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Move {
    /// What happens: an outcome, a timer, an event.
    pub label: String,
    /// The targets of the branch, where there is a choice.
    pub to: Vec<String>,
    pub effects: Vec<Effect>,
    /// It is this timer of a group, of [`Moves::clocks`]: it fires once, until the group has been empty (C16).
    pub clock: Option<usize>,
    /// It waits for one of these events, each with the handlers that are nearer and surely take it (C16). Without any it
    /// can always happen.
    pub hidden: Vec<Nearer>,
}

/// Where handlers of one event stand that are nearer than the one in question.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nearer {
    pub activities: Vec<usize>,
    pub groups: Vec<usize>,
}

impl Move {
    fn new(label: &str, effects: Vec<Effect>) -> Self {
        Self { label: label.to_owned(), effects, ..Self::default() }
    }

    /// It does more than to move its own token on: what happens elsewhere may come out differently before and after it.
    pub fn disturbs(&self) -> bool {
        self.effects.iter().any(|e| matches!(e, Effect::Return | Effect::Withdraw(_) | Effect::Reopen(_) | Effect::End | Effect::Again(_)))
    }

    /// The activities that it sends tokens to.
    pub fn enters(&self) -> impl Iterator<Item = usize> {
        self.effects.iter().filter_map(|e| match e {
            Effect::Enter { at, .. } | Effect::Again(at) => Some(*at),
            _ => None,
        })
    }
}

/// The moves that a group or the whole process can make, as long as one of these activities has a token.
pub struct OfGroup {
    pub name: String,
    pub members: Vec<usize>,
    pub moves: Vec<Move>,
}

/// Everything that can happen, by activity and by group.
pub struct Moves {
    pub names: Vec<String>,
    pub joins: Vec<Option<Join>>,
    /// For each activity the names of its arrows.
    pub arrows: Vec<Vec<String>>,
    /// What can happen to a token that is at rest in the activity.
    pub of_activity: Vec<Vec<Move>>,
    /// What happens at once when a token enters: one of these. Empty where it only waits (C4).
    pub on_entry: Vec<Vec<Move>>,
    pub of_groups: Vec<OfGroup>,
    /// For each timer of a group that is not repeated the place of the group.
    pub clocks: Vec<usize>,
    pub starts: Vec<usize>,
    /// A token of the activity can be withdrawn by something else.
    pub cancellable: Vec<bool>,
    /// It matters when a token comes: before or after what happens elsewhere.
    pub disturbs: Vec<bool>,
    /// For each activity what lies between it and the split that dominates it, where it cancels the rest.
    pub regions: Vec<Vec<usize>>,
    /// The author wants several tokens in one place.
    pub several: bool,
    pub net: Net,
}

struct Maker<'a, S: Phase> {
    names: &'a Names<S>,
    process: &'a Process<S>,
    net: Net,
    arrows: Vec<Vec<String>>,
}

/// The effects of a list of actions, once for each way its conditions can turn out.
type Turns = Vec<Vec<Effect>>;

impl Moves {
    /// `None` where there is too much to look at.
    pub fn new<S: Phase>(names: &Names<S>, process: &Process<S>) -> Option<Self> {
        let net = Net::new(process);
        let all: Vec<String> = process.activities.names().map(str::to_owned).collect();
        let arrows: Vec<Vec<String>> = all.iter().map(|n| net.arrows(n).map(str::to_owned).collect()).collect();
        let maker = Maker { names, process, net, arrows };
        let (mut of_activity, mut on_entry) = (vec![], vec![]);
        for (place, (name, activity)) in process.activities.iter().enumerate() {
            let (entry, later) = maker.activity(place, name, activity)?;
            on_entry.push(entry);
            of_activity.push(later);
        }
        let (of_groups, clocks) = maker.groups()?;
        let joins: Vec<Option<Join>> = process.activities.iter().map(|(_, a)| a.join).collect();
        let regions: Vec<Vec<usize>> = all.iter().map(|name| maker.net.region_of(name).to_vec()).collect();
        let mut cancellable = vec![false; all.len()];
        let moves = of_activity.iter().chain(&on_entry).flatten().chain(of_groups.iter().flat_map(|g| &g.moves));
        let withdrawn = moves.flat_map(|m| &m.effects).filter_map(|e| match e {
            Effect::Withdraw(list) => Some(list),
            _ => None,
        });
        withdrawn.chain(&regions).flatten().for_each(|a| cancellable[*a] = true);
        let starts = process.begins().into_iter().filter_map(|n| maker.net.at(n)).collect();
        let times = |t: &Transition<S>| t.times() > 1;
        let tried = process.activities.iter().flat_map(|(_, a)| a.ways()).flat_map(|(_, b)| b.targets()).filter_map(|(t, _)| t);
        let several = tried.into_iter().any(times);
        let mut disturbs = disturbing(&on_entry, &regions, &cancellable);
        // It matters when a token comes to where a nearer handler is, and when it goes.
        for nearer in of_groups.iter().flat_map(|g| &g.moves).flat_map(|m| &m.hidden) {
            let members = nearer.groups.iter().flat_map(|g| &of_groups[*g].members);
            for at in nearer.activities.iter().chain(members) {
                disturbs[*at] = true;
                cancellable[*at] = true;
            }
        }
        let Maker { net, arrows, .. } = maker;
        Some(Self {
            names: all,
            joins,
            arrows,
            of_activity,
            on_entry,
            of_groups,
            clocks,
            starts,
            cancellable,
            disturbs,
            regions,
            several,
            net,
        })
    }
}

impl Moves {
    /// The activities that tokens can enter, if none is ever withdrawn and each stays where it has been: all others surely
    /// are never entered.
    pub fn enterable(&self) -> Vec<bool> {
        let mut entered = vec![false; self.names.len()];
        let mut delivered: Vec<Vec<bool>> = self.arrows.iter().map(|a| vec![false; a.len()]).collect();
        self.starts.iter().for_each(|at| entered[*at] = true);
        loop {
            let of_tokens = (0..entered.len()).filter(|a| entered[*a]).flat_map(|a| self.on_entry[a].iter().chain(&self.of_activity[a]));
            let there = |a: &usize| entered[*a] || delivered[*a].contains(&true);
            let of_groups = self.of_groups.iter().filter(|g| g.members.iter().any(there)).flat_map(|g| &g.moves);
            let effects: Vec<&Effect> = of_tokens.chain(of_groups).flat_map(|m| &m.effects).collect();
            let before = (entered.clone(), delivered.clone());
            for effect in effects {
                match effect {
                    Effect::Enter { at, arrow } => delivered[*at][*arrow] = true,
                    Effect::Again(at) | Effect::Reopen(at) => entered[*at] = true,
                    Effect::Leave | Effect::Return | Effect::Withdraw(_) | Effect::End => {}
                }
            }
            for (at, arrows) in delivered.iter().enumerate() {
                let come = arrows.iter().filter(|d| **d).count();
                entered[at] |= match self.joins[at] {
                    None | Some(Join::Any | Join::Matching | Join::Tokens(_)) => come > 0,
                    Some(Join::All) => come > 0 && come == arrows.len(),
                    Some(Join::First { count, .. }) => come >= count,
                };
            }
            if before == (entered.clone(), delivered.clone()) {
                return entered;
            }
        }
    }
}

/// The activities where it matters when a token comes: it can be withdrawn there, its entry or its join does more than to
/// move it on, or it goes on by itself to one of these.
fn disturbing(on_entry: &[Vec<Move>], regions: &[Vec<usize>], cancellable: &[bool]) -> Vec<bool> {
    let own = |a: usize| cancellable[a] || !regions[a].is_empty() || on_entry[a].iter().any(Move::disturbs);
    let mut found: Vec<bool> = (0..on_entry.len()).map(own).collect();
    loop {
        let more: Vec<usize> =
            (0..found.len()).filter(|a| !found[*a] && on_entry[*a].iter().flat_map(Move::enters).any(|to| found[to])).collect();
        if more.is_empty() {
            return found;
        }
        more.into_iter().for_each(|a| found[a] = true);
    }
}

impl<S: Phase> Maker<'_, S> {
    /// What happens at once when a token enters, and what can happen to one that is there.
    fn activity(&self, place: usize, name: &str, activity: &Activity<S>) -> Option<(Vec<Move>, Vec<Move>)> {
        let call = activity.actions.iter().position(|a| matches!(a.verb, Verb::Run(_))).unwrap_or(activity.actions.len());
        let (own, answered) = (self.turns(&activity.actions[..call])?, self.turns(&activity.actions[call..])?);
        let mut completions = self.completions(name, activity)?;
        if activity.repeat.is_some() {
            completions.extend(self.rounds(place, name, activity)?);
        }
        let mut entry: Vec<Move> = vec![];
        let mut later: Vec<Move> = vec![];
        let guarded = activity.while_.is_some() || activity.mutex.is_some();
        let bare_sub = activity.for_each.is_none() && activity.process.as_ref().is_some_and(|p| !p.waits());
        let by_itself = (activity.is_automatic() || bare_sub) && !activity.waits_first();
        if by_itself {
            let whole = after(&own, &completions);
            entry.extend(whole.iter().cloned());
            later.extend(whole);
            let waits = activity.mutex.is_some() || (activity.while_.is_some() && activity.else_.is_none());
            if waits || self.failure_leads_on(place, activity) {
                entry.push(Move::default());
            }
        } else {
            // For each copy, its own actions are done when the copy begins: never, where there is none.
            let copies = activity.for_each.is_some();
            let begun = |turn: &Vec<Effect>| Move::new("entry", turn.clone());
            entry.extend(own.iter().map(begun));
            let does = own.iter().any(|turn| !turn.is_empty());
            if copies || (guarded && does) {
                entry.push(Move::default());
            }
            if copies {
                // An empty list is done at once.
                entry.extend(completions.iter().cloned());
            }
            let waited = if activity.waits_first() { after(&answered, &completions) } else { completions };
            if guarded && does {
                // One that could not begin at once does its own actions when it can.
                later.extend(after(&own, &waited));
            }
            later.extend(waited);
        }
        if let Some(target) = &activity.else_ {
            let aside = self.enter(name, target).map(|enter| Move::new("otherwise", vec![Effect::Leave, enter]));
            entry.extend(aside.clone());
            later.extend(aside);
        }
        if entry.iter().all(|m| m.effects.is_empty()) {
            entry.clear();
            // A further round in which nothing is done.
            later.retain(|m| m.effects != [Effect::Leave, Effect::Again(place)]);
        }
        for (way, branch) in activity.ways() {
            let (label, actions) = match way {
                Way::Outcome(_) => continue,
                Way::Timer(i) => ("timer".to_owned(), &activity.timers[i].actions),
                Way::Handler(i) => {
                    (activity.handlers[i].on.first().map_or("event".to_owned(), |e| e.text.clone()), &activity.handlers[i].actions)
                }
            };
            later.extend(after(&self.turns(actions)?, &self.branch(&label, name, branch, Split::First)?));
        }
        for (label, actions) in self.beside(activity) {
            later.extend(within(label, self.turns(actions)?));
        }
        entry = unique(entry);
        later = unique(later);
        // Saved and remained: nothing has moved.
        later.retain(|m| m.effects != [Effect::Leave, Effect::Return]);
        Some((entry, later))
    }

    /// A handler takes up what fails in the activity: then it stands there until that is done.
    fn failure_leads_on(&self, place: usize, activity: &Activity<S>) -> bool {
        let groups = self.process.groups.iter().enumerate().filter(|(group, _)| self.net.members(*group).contains(&place));
        let all = activity.handlers.iter().chain(groups.flat_map(|(_, (_, g))| &g.handlers)).chain(&self.process.handlers);
        all.into_iter().any(|h| h.on.iter().any(EventName::is_failure))
    }

    /// Actions that are done while the token stays.
    fn beside<'p>(&self, activity: &'p Activity<S>) -> Vec<(&'static str, &'p [Action<S>])> {
        let timers = activity.timers.iter().filter(|t| t.next.is_none()).map(|t| ("timer", &t.actions[..]));
        let handlers = activity.handlers.iter().filter(|h| h.next.is_none()).map(|h| ("event", &h.actions[..]));
        // A vote that does not decide yet.
        let votes = activity.approval.iter().map(|a| ("vote", &a.actions[..]));
        let copies = activity.for_each.is_some();
        let forms = activity.dialogs.iter().filter(|_| copies).map(|(_, d)| ("form", &d.actions[..]));
        timers.chain(handlers).chain(votes).chain(forms).collect()
    }

    /// Every outcome with what its form does.
    fn answers<'p>(&self, name: &str, activity: &'p Activity<S>) -> Vec<(String, &'p [Action<S>])> {
        let possible = outcomes(self.names, self.process, name);
        let mut given: Vec<(String, &[Action<S>])> = vec![];
        if activity.for_each.is_none() {
            for (_, dialog) in activity.dialogs.iter() {
                let own = if dialog.outcomes.is_empty() {
                    vec!["submit".to_owned()]
                } else {
                    dialog.outcomes.names().map(str::to_owned).collect()
                };
                given.extend(own.into_iter().map(|o| (o, &dialog.actions[..])));
            }
            for approval in activity.approval.iter() {
                let does = |o: &str| if o == "timeout" { &[][..] } else { &approval.actions[..] };
                given.extend(approval.outcomes().map(|o| (o.to_owned(), does(o))));
            }
        }
        let others: Vec<(String, &[Action<S>])> =
            possible.iter().filter(|p| !given.iter().any(|(o, _)| o == *p)).map(|p| (p.clone(), &[][..])).collect();
        given.extend(others);
        given
    }

    /// What a form does is done in every round of `repeat` (C2), not only in the last one. Rounds are not counted: `max` is taken
    /// for many.
    fn rounds(&self, place: usize, name: &str, activity: &Activity<S>) -> Option<Vec<Move>> {
        let again = [Move::new("again", vec![Effect::Leave, Effect::Again(place)])];
        let mut moves = vec![];
        for (_, actions) in self.answers(name, activity) {
            moves.extend(after(&self.turns(actions)?, &again));
        }
        Some(unique(moves))
    }

    /// The ways in which the activity is completed: each outcome with what its form does, then the branch.
    fn completions(&self, name: &str, activity: &Activity<S>) -> Option<Vec<Move>> {
        let split = activity.split.unwrap_or(Split::First);
        let mut moves = vec![];
        for (outcome, actions) in self.answers(name, activity) {
            let ways = match &activity.next {
                None => {
                    let ends = activity.end.iter().map(|_| Effect::End);
                    vec![Move::new("", [Effect::Leave].into_iter().chain(ends).collect())]
                }
                Some(Next::Branch(branch)) => self.branch("", name, branch, split)?,
                Some(Next::Outcomes(map)) => match map.get(&outcome) {
                    Some(branch) => self.branch(&outcome, name, branch, split)?,
                    None => continue,
                },
            };
            moves.extend(after(&self.turns(actions)?, &ways));
        }
        Some(unique(moves))
    }

    fn groups(&self) -> Option<(Vec<OfGroup>, Vec<usize>)> {
        let (mut all, mut clocks) = (vec![], vec![]);
        for (place, (name, group)) in self.process.groups.iter().enumerate() {
            let members = self.net.members(place).to_vec();
            let mut moves = vec![];
            for timer in &group.timers {
                let mut own = self.of_group(name, &format!("timer of {name}"), &members, &timer.actions, timer.next.as_ref())?;
                if timer.every.is_none() {
                    own.iter_mut().for_each(|m| m.clock = Some(clocks.len()));
                    clocks.push(place);
                }
                moves.extend(own);
            }
            for handler in &group.handlers {
                let mut own = self.of_group(name, &format!("event of {name}"), &members, &handler.actions, handler.next.as_ref())?;
                let hidden = self.nearer(handler, false);
                own.iter_mut().for_each(|m| m.hidden.clone_from(&hidden));
                moves.extend(own);
            }
            all.push(OfGroup { name: name.to_string(), members, moves });
        }
        let mut of_process = vec![];
        for handler in &self.process.handlers {
            let mut own = within("event", self.turns(&handler.actions)?);
            let hidden = self.nearer(handler, true);
            own.iter_mut().for_each(|m| m.hidden.clone_from(&hidden));
            of_process.extend(own);
        }
        let members = (0..self.process.activities.len()).collect();
        all.push(OfGroup { name: self.process.name.to_string(), members, moves: of_process });
        Some((all, clocks))
    }

    /// What a timer or a handler of a group does, and where it leads.
    /// For each event of a handler of a group, or of the process, the handlers that hide it from this one.
    fn nearer(&self, handler: &LocalHandler<S>, of_process: bool) -> Vec<Nearer> {
        let waits = |a: &Activity<S>| a.while_.is_some() || a.mutex.is_some();
        // A token that waits for a mutex of its group is not under way.
        let surely = !self.process.groups.iter().any(|(_, g)| g.mutex.is_some());
        let takes = |handlers: &[LocalHandler<S>], event: &EventName| {
            handlers.iter().any(|h| h.when.is_none() && h.on.iter().any(|e| e.text == event.text))
        };
        let of = |event: &EventName| {
            // What fails concerns one activity only.
            if event.is_exception() || !surely {
                return Nearer::default();
            }
            let activities = self.process.activities.iter().enumerate().filter(|(_, (_, a))| !waits(a) && takes(&a.handlers, event));
            let groups = self.process.groups.iter().enumerate().filter(|(_, (_, g))| of_process && takes(&g.handlers, event));
            Nearer { activities: activities.map(|(at, _)| at).collect(), groups: groups.map(|(at, _)| at).collect() }
        };
        let all: Vec<Nearer> = handler.on.iter().map(of).collect();
        // One that nothing hides is enough.
        if all.contains(&Nearer::default()) { vec![] } else { all }
    }

    fn of_group(&self, name: &str, label: &str, members: &[usize], actions: &[Action<S>], next: Option<&Branch<S>>) -> Option<Vec<Move>> {
        let turns = self.turns(actions)?;
        let Some(next) = next else { return Some(within(label, turns)) };
        let mut ways = self.branch(label, name, next, Split::First)?;
        for way in &mut ways {
            // No token of its own leaves: all of the group are withdrawn.
            way.effects.retain(|e| !matches!(e, Effect::Leave | Effect::Return));
            way.effects.insert(0, Effect::Withdraw(members.to_vec()));
        }
        Some(after(&turns, &ways))
    }

    /// The ways that a branch can be taken: the engine tries its transitions in their order, and takes them in it (C6).
    fn branch(&self, label: &str, source: &str, branch: &Branch<S>, split: Split) -> Option<Vec<Move>> {
        let tried = match branch {
            Branch::To(Target::Activity(target)) => {
                let effects = [Effect::Leave].into_iter().chain(self.enter(source, target)).collect();
                return Some(vec![Move::new(label, effects)]);
            }
            Branch::To(_) => return Some(vec![Move::new(label, vec![Effect::Leave, Effect::Return])]),
            Branch::Tried(tried) => tried,
        };
        let mut chosen: Vec<Vec<&Transition<S>>> = vec![];
        if split == Split::First {
            for t in tried {
                chosen.push(vec![t]);
                if t.when.is_none() && !t.otherwise {
                    break;
                }
            }
        } else {
            let free: Vec<usize> = (0..tried.len()).filter(|i| tried[*i].when.is_some()).collect();
            if free.len() > SUBSETS_OF {
                return None;
            }
            for bits in 0..1_u32 << free.len() {
                let mut taken: Vec<&Transition<S>> = vec![];
                for (i, t) in tried.iter().enumerate() {
                    let holds = match free.iter().position(|f| *f == i) {
                        Some(bit) => bits & (1 << bit) != 0,
                        None => !t.otherwise || taken.is_empty(),
                    };
                    taken.extend(holds.then_some(t));
                }
                chosen.extend((!taken.is_empty()).then_some(taken));
            }
        }
        let choice = chosen.len() > 1;
        let mut moves = vec![];
        for taken in chosen {
            let targets = taken.iter().flat_map(|t| t.to.iter()).map(|t| t.activity().map_or("stay", |a| a.as_str()).to_owned());
            let to = if choice { targets.collect() } else { vec![] };
            moves.extend(self.taken(source, &taken)?.into_iter().map(|effects| Move { to: to.clone(), ..Move::new(label, effects) }));
        }
        Some(moves)
    }

    /// These transitions, one after the other: the actions of each, then its tokens.
    fn taken(&self, source: &str, taken: &[&Transition<S>]) -> Option<Turns> {
        let mut turns = vec![vec![Effect::Leave]];
        for t in taken {
            turns = joined(turns, &self.turns(&t.actions)?)?;
            if t.to.iter().any(|to| to.activity().is_none()) {
                turns.iter_mut().for_each(|turn| turn.push(Effect::Return));
                break;
            }
            let enters: Vec<Effect> = t.to.iter().filter_map(|to| self.enter(source, to.activity()?)).collect();
            let enters = enters.into_iter().flat_map(|e| std::iter::repeat_n(e, t.times()));
            let enters: Vec<Effect> = enters.collect();
            turns.iter_mut().for_each(|turn| turn.extend(enters.iter().cloned()));
        }
        Some(turns)
    }

    fn enter(&self, source: &str, target: &str) -> Option<Effect> {
        let at = self.net.at(target)?;
        let arrow = self.arrows[at].iter().position(|a| a == source)?;
        Some(Effect::Enter { at, arrow })
    }

    /// What actions do to tokens, once for each way their conditions can turn out.
    fn turns(&self, actions: &[Action<S>]) -> Option<Turns> {
        let mut turns: Turns = vec![vec![]];
        for action in actions {
            let mut own: Turns = self.effect(&action.verb)?;
            if let Some(others) = &action.on_error {
                own.extend(self.turns(others)?);
            }
            if action.when.is_some() {
                own.push(vec![]);
            }
            turns = joined(turns, &own)?;
        }
        Some(turns)
    }

    fn effect(&self, verb: &Verb<S>) -> Option<Turns> {
        let one = |effect: Option<Effect>| vec![effect.into_iter().collect()];
        Some(match verb {
            Verb::Cancel(name) if *name == "instance" => one(Some(Effect::End)),
            Verb::Cancel(name) => one(match self.process.groups.position(name) {
                Some(group) => Some(Effect::Withdraw(self.net.members(group).to_vec())),
                None => self.net.at(name).map(|at| Effect::Withdraw(vec![at])),
            }),
            Verb::Reopen(name) => one(self.net.at(name).map(Effect::Reopen)),
            // What was completed is taken back, the last one first: of each it is not known whether it was.
            Verb::Undo(name) => {
                let group = self.process.groups.position(name);
                let meant = |a: &str| *name == "instance" || *name == a || group.is_some_and(|g| self.net.is_in(a, g));
                let mut turns: Turns = vec![vec![]];
                for (_, activity) in self.process.activities.iter().filter(|(n, a)| meant(n) && !a.compensate.is_empty()) {
                    let mut own = self.turns(&activity.compensate)?;
                    own.push(vec![]);
                    turns = joined(turns, &own)?;
                }
                turns
            }
            _ => vec![vec![]],
        })
    }
}

/// Each of these followed by each of those; `None` where there are too many.
fn joined(first: Turns, then: &[Vec<Effect>]) -> Option<Turns> {
    if then.iter().all(Vec::is_empty) {
        return Some(first);
    }
    let all: Turns = unique(first.iter().flat_map(|f| then.iter().map(move |t| f.iter().chain(t.iter()).cloned().collect())));
    (all.len() <= TURNS_MAX).then_some(all)
}

/// These moves, with what is done before them.
fn after(turns: &[Vec<Effect>], moves: &[Move]) -> Vec<Move> {
    let with = |turn: &Vec<Effect>, m: &Move| Move { effects: turn.iter().chain(&m.effects).cloned().collect(), ..m.clone() };
    turns.iter().flat_map(|turn| moves.iter().map(move |m| with(turn, m))).collect()
}

/// Each once, in their order.
fn unique<T: Ord + Clone>(list: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    list.into_iter().filter(|item| seen.insert(item.clone())).collect()
}

/// Something that leaves the token where it is.
fn within(label: &str, turns: Turns) -> Vec<Move> {
    turns.into_iter().filter(|t| !t.is_empty()).map(|effects| Move::new(label, effects)).collect()
}
