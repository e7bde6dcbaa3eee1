//! What can happen in each activity: a token leaves, others come, some are taken away.

use crate::actions::{Action, Verb, with_others};
use crate::check::env::outcomes;
use crate::kinds::process::{Activity, Branch, Join, Next, Process, Split, Transition, Way};
use crate::model::Names;
use crate::net::Net;

/// Transitions of one `split: matching` whose subsets are all looked at.
const SUBSETS_OF: usize = 10;

/// One thing that can happen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Move {
    /// What happens: an outcome, a timer, an event.
    pub label: String,
    /// Where tokens come, by the place of the activity, with how many, and the name of their arrow.
    pub produces: Vec<(usize, usize, usize)>,
    /// Activities whose tokens are taken away.
    pub cancels: Vec<usize>,
    /// Activities that are gone back to.
    pub reopens: Vec<usize>,
    /// The instance ends.
    pub ends: bool,
    /// The token stays where it is.
    pub stays: bool,
}

/// Everything that can happen, by activity and by group.
pub struct Moves {
    pub names: Vec<String>,
    pub joins: Vec<Option<Join>>,
    /// For each activity the names of its arrows.
    pub arrows: Vec<Vec<String>>,
    pub of_activity: Vec<Vec<Move>>,
    /// With the activities of the group.
    pub of_group: Vec<(String, Vec<usize>, Vec<Move>)>,
    pub starts: Vec<usize>,
    /// It goes on by itself, before anybody does anything else (C4).
    pub automatic: Vec<bool>,
    /// Something takes tokens of the activity away.
    pub cancellable: Vec<bool>,
    /// For each activity what lies between it and the split that dominates it, where it cancels the rest.
    pub regions: Vec<Vec<usize>>,
    /// The author wants several tokens in one place.
    pub several: bool,
    pub net: Net,
}

struct Maker<'a> {
    names: &'a Names,
    process: &'a Process,
    net: Net,
    arrows: Vec<Vec<String>>,
}

impl Moves {
    /// `None` where there is too much to look at.
    pub fn new(names: &Names, process: &Process) -> Option<Self> {
        let net = Net::new(process);
        let all: Vec<String> = process.activities.names().map(str::to_owned).collect();
        let arrows: Vec<Vec<String>> = all.iter().map(|n| net.arrows(n).map(str::to_owned).collect()).collect();
        let maker = Maker { names, process, net, arrows };
        let mut of_activity = vec![];
        for (name, activity) in process.activities.iter() {
            of_activity.push(maker.activity(name, activity)?);
        }
        let mut of_group = vec![];
        for (place, (name, group)) in process.groups.iter().enumerate() {
            let inside = maker.net.members(place).to_vec();
            let mut moves = vec![];
            let timers = group.timers.iter().map(|t| (format!("timer of {name}"), t.next.as_ref(), &t.actions));
            let handlers = group.handlers.iter().map(|h| (format!("event of {name}"), h.next.as_ref(), &h.actions));
            for (label, next, actions) in timers.chain(handlers) {
                let Some(next) = next else {
                    moves.extend(maker.within(&label, actions));
                    continue;
                };
                for mut m in maker.branch(&label, name, next, Split::First)? {
                    maker.effects(&mut m, actions);
                    m.cancels.extend(&inside);
                    moves.push(m);
                }
            }
            of_group.push((name.to_string(), inside, moves));
        }
        let everywhere: Vec<usize> = (0..all.len()).collect();
        let of_process: Vec<Move> = process.handlers.iter().flat_map(|h| maker.within("event", &h.actions)).collect();
        of_group.push((process.name.to_string(), everywhere, of_process));
        let mut cancellable = vec![false; all.len()];
        let mut regions = vec![vec![]; all.len()];
        for m in of_activity.iter().flatten().chain(of_group.iter().flat_map(|(_, _, m)| m)) {
            m.cancels.iter().for_each(|a| cancellable[*a] = true);
        }
        for (place, name) in all.iter().enumerate() {
            regions[place] = maker.net.region_of(name).to_vec();
            regions[place].iter().for_each(|a| cancellable[*a] = true);
        }
        let starts = process.begins().into_iter().filter_map(|n| maker.net.at(n)).collect();
        let joins: Vec<Option<Join>> = process.activities.iter().map(|(_, a)| a.join).collect();
        let at_once = |a: &Activity| a.is_automatic() && a.while_.is_none() && a.mutex.is_none() && !a.waits_first();
        let automatic = process.activities.iter().map(|(_, a)| at_once(a)).collect();
        let times = |t: &Transition| t.times() > 1;
        let tried = process.activities.iter().flat_map(|(_, a)| a.ways()).flat_map(|(_, b)| b.targets()).filter_map(|(t, _)| t);
        let several = tried.into_iter().any(times);
        let Maker { net, arrows, .. } = maker;
        Some(Self { names: all, joins, arrows, of_activity, of_group, starts, automatic, cancellable, regions, several, net })
    }
}

impl Maker<'_> {
    fn activity(&self, name: &str, activity: &Activity) -> Option<Vec<Move>> {
        let mut moves = vec![];
        let possible = outcomes(self.names, self.process, name);
        match &activity.next {
            // Only a timer or an event ends it, each on its own way.
            _ if possible.is_empty() => {}
            None => moves.push(Move { label: String::new(), ends: activity.end.is_some(), ..Move::default() }),
            Some(Next::Branch(branch)) => moves.extend(self.branch("", name, branch, activity.split.unwrap_or(Split::First))?),
            Some(Next::Outcomes(map)) => {
                for (outcome, branch) in map.iter().filter(|(o, _)| possible.iter().any(|p| *o == p.as_str())) {
                    moves.extend(self.branch(outcome, name, branch, activity.split.unwrap_or(Split::First))?);
                }
            }
        }
        for (way, branch) in activity.ways() {
            let (label, actions) = match way {
                Way::Outcome(_) => continue,
                Way::Timer(i) => ("timer".to_owned(), &activity.timers[i].actions),
                Way::Handler(i) => {
                    (activity.handlers[i].on.first().map_or("event".to_owned(), |e| e.text.clone()), &activity.handlers[i].actions)
                }
            };
            for mut m in self.branch(&label, name, branch, Split::First)? {
                self.effects(&mut m, actions);
                moves.push(m);
            }
        }
        if let Some(target) = &activity.else_ {
            moves.extend(self.to("otherwise", name, [(target.as_str(), 1)].into_iter()));
        }
        // What its own actions, and those of its forms, take away goes whichever way it is left. Where they have conditions
        // both are looked at.
        let forms = activity.dialogs.iter().map(|(_, d)| &d.actions).chain(activity.approval.iter().map(|a| &a.actions));
        let own = std::iter::once((&activity.actions, sure(&activity.actions)));
        for (actions, always) in forms.map(|a| (a, false)).chain(own) {
            let mut effects = Move::default();
            self.effects(&mut effects, actions);
            if effects == Move::default() {
                continue;
            }
            let with: Vec<Move> = moves.iter().map(|m| merged(m, &effects)).collect();
            if always {
                moves = with;
            } else {
                moves.extend(with);
            }
        }
        let timers = activity.timers.iter().filter(|t| t.next.is_none()).map(|t| &t.actions);
        let handlers = activity.handlers.iter().filter(|h| h.next.is_none()).map(|h| &h.actions);
        for actions in timers.chain(handlers) {
            moves.extend(self.within("timer or event", actions));
        }
        Some(moves)
    }

    /// Something that leaves the token where it is.
    fn within(&self, label: &str, actions: &[Action]) -> Option<Move> {
        let mut m = Move { label: label.to_owned(), stays: true, ..Move::default() };
        let bare = m.clone();
        self.effects(&mut m, actions);
        (m != bare).then_some(m)
    }

    /// `None` where there are too many subsets.
    fn branch(&self, label: &str, source: &str, branch: &Branch, split: Split) -> Option<Vec<Move>> {
        let tried = match branch {
            Branch::To(target) => {
                return Some(
                    target.activity().map_or(vec![], |t| self.to(label, source, [(t.as_str(), 1)].into_iter()).into_iter().collect()),
                );
            }
            Branch::Tried(tried) => tried,
        };
        let leaves: Vec<&Transition> = tried.iter().filter(|t| t.to.iter().any(|to| to.activity().is_some())).collect();
        let one = |taken: &[&Transition]| {
            let targets = taken.iter().flat_map(|t| t.to.iter().filter_map(|to| to.activity()).map(|a| (a.as_str(), t.times())));
            let mut m = self.to(label, source, targets)?;
            taken.iter().for_each(|t| self.effects(&mut m, &t.actions));
            Some(m)
        };
        Some(match split {
            Split::First => leaves.iter().filter_map(|t| one(&[t])).collect(),
            Split::All => one(&leaves).into_iter().collect(),
            Split::Matching => {
                let (always, rest): (Vec<&Transition>, Vec<&Transition>) = leaves.iter().partition(|t| t.when.is_none() && !t.otherwise);
                let (otherwise, maybe): (Vec<&Transition>, Vec<&Transition>) = rest.into_iter().partition(|t| t.otherwise);
                if maybe.len() > SUBSETS_OF {
                    return None;
                }
                let subset = |bits: u32| {
                    let chosen = maybe.iter().enumerate().filter(|(i, _)| bits & (1 << i) != 0).map(|(_, t)| *t);
                    let all: Vec<&Transition> = always.iter().copied().chain(chosen).collect();
                    if all.is_empty() { otherwise.clone() } else { all }
                };
                (0..1_u32 << maybe.len()).map(subset).filter(|s| !s.is_empty()).filter_map(|s| one(&s)).collect()
            }
        })
    }

    fn to<'t>(&self, label: &str, source: &str, targets: impl Iterator<Item = (&'t str, usize)>) -> Option<Move> {
        let mut m = Move { label: label.to_owned(), ..Move::default() };
        for (target, times) in targets {
            let at = self.net.at(target)?;
            let arrow = self.arrows[at].iter().position(|a| a == source)?;
            m.produces.push((at, times, arrow));
        }
        Some(m)
    }

    /// What actions take away, and go back to.
    fn effects(&self, m: &mut Move, actions: &[Action]) {
        for action in with_others(actions) {
            match &action.verb {
                Verb::Cancel(name) if *name == "instance" => m.ends = true,
                Verb::Cancel(name) => match self.process.groups.position(name) {
                    Some(group) => m.cancels.extend(self.net.members(group)),
                    None => m.cancels.extend(self.net.at(name)),
                },
                Verb::Reopen(name) => m.reopens.extend(self.net.at(name)),
                _ => {}
            }
        }
    }
}

/// Every action that takes something away is always done.
fn sure(actions: &[Action]) -> bool {
    actions.iter().all(|a| a.when.is_none() && a.on_error.is_none())
}

fn merged(m: &Move, effects: &Move) -> Move {
    let mut m = m.clone();
    m.cancels.extend(&effects.cancels);
    m.reopens.extend(&effects.reopens);
    m.ends |= effects.ends;
    m
}
