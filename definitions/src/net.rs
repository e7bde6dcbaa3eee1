//! The drawn net of a process: who leads to whom, and what follows from it for joins (C8, C9) and groups (C12).

use crate::kinds::branch::Join;
use crate::kinds::process::{Activity, Process};
use crate::name::Name;
use crate::phase::Phase;
use std::collections::{HashMap, VecDeque};

/// Activities by their place in the definition.
#[derive(Debug, Clone, Default)]
pub struct Net {
    index: HashMap<String, usize>,
    /// For each activity what leads to it, in the order of the definition.
    arrows: Vec<Vec<Arrow>>,
    /// For each activity where a token may go from it.
    next: Vec<Vec<usize>>,
    /// For each activity from where a token may come to it.
    before: Vec<Vec<usize>>,
    /// For each activity its groups, the innermost first: places in `groups` of the definition.
    groups: Vec<Vec<usize>>,
    /// For each group its activities.
    members: Vec<Vec<usize>>,
    /// For joins that cancel the rest: what lies between them and the split that dominates them.
    regions: HashMap<usize, Vec<usize>>,
}

/// What leads to an activity: several transitions of one activity, or of one group, are one arrow.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Arrow {
    /// Of the activity, or of the group.
    name: String,
    /// The activities from which a token comes this way.
    from: Vec<usize>,
}

impl Net {
    pub fn new<S: Phase>(process: &Process<S>) -> Self {
        let index: HashMap<String, usize> = process.activities.names().enumerate().map(|(i, n)| (n.to_owned(), i)).collect();
        let count = index.len();
        let mut net = Self {
            arrows: vec![vec![]; count],
            next: vec![vec![]; count],
            before: vec![vec![]; count],
            groups: vec![vec![]; count],
            ..Self::default()
        };
        net.index = index;
        for (_, group) in process.groups.iter() {
            net.members.push(group.activities.iter().filter_map(|a| net.at(a)).collect());
        }
        for activity in 0..count {
            let mut own: Vec<usize> = (0..net.members.len()).filter(|g| net.members[*g].contains(&activity)).collect();
            own.sort_by_key(|g| net.members[*g].len());
            net.groups[activity] = own;
        }
        for (source, activity) in process.activities.iter() {
            let from = net.at(source).into_iter().collect::<Vec<_>>();
            for target in activity.targets() {
                net.lead(source, &from, target);
            }
        }
        for (group, (name, def)) in process.groups.iter().enumerate() {
            let from = net.members[group].clone();
            for target in def.targets() {
                net.lead(name, &from, target);
            }
        }
        let cancels = |(name, activity): (&Name, &Activity<S>)| {
            matches!(activity.join, Some(Join::First { cancels: true, .. })).then(|| net.at(name))?
        };
        let joins: Vec<usize> = process.activities.iter().filter_map(cancels).collect();
        if !joins.is_empty() {
            let starts: Vec<usize> = process.begins().into_iter().filter_map(|n| net.at(n)).collect();
            let dominators = net.dominators(&starts);
            net.regions = joins.into_iter().map(|at| (at, net.region(at, dominators[at], &starts))).collect();
        }
        net
    }

    fn lead(&mut self, source: &str, from: &[usize], target: &str) {
        let Some(to) = self.at(target) else { return };
        if !self.arrows[to].iter().any(|a| a.name == source) {
            self.arrows[to].push(Arrow { name: source.to_owned(), from: from.to_vec() });
        }
        for at in from {
            if !self.next[*at].contains(&to) {
                self.next[*at].push(to);
                self.before[to].push(*at);
            }
        }
    }

    /// The place of an activity.
    pub fn at(&self, activity: &str) -> Option<usize> {
        self.index.get(activity).copied()
    }

    /// Names of the activities and groups that lead to the activity.
    pub fn arrows(&self, activity: &str) -> impl Iterator<Item = &str> {
        self.at(activity).into_iter().flat_map(|at| &self.arrows[at]).map(|a| a.name.as_str())
    }

    /// Where a token may go from the activity.
    pub fn next(&self, at: usize) -> &[usize] {
        &self.next[at]
    }

    pub fn len(&self) -> usize {
        self.next.len()
    }

    pub fn is_empty(&self) -> bool {
        self.next.is_empty()
    }

    /// Places of the groups of an activity, the innermost first.
    pub fn groups_of(&self, activity: &str) -> &[usize] {
        self.at(activity).map_or(&[], |at| &self.groups[at])
    }

    /// The activities of the group at this place.
    pub fn members(&self, group: usize) -> &[usize] {
        &self.members[group]
    }

    /// Is the activity in the group at this place?
    pub fn is_in(&self, activity: &str, group: usize) -> bool {
        self.groups_of(activity).contains(&group)
    }

    /// Is the activity between the join and the split that dominates it?
    pub fn in_region(&self, join: &str, activity: &str) -> bool {
        let (Some(join), Some(at)) = (self.at(join), self.at(activity)) else { return false };
        self.regions.get(&join).is_some_and(|r| r.contains(&at))
    }

    /// What lies between the join and the split that dominates it.
    pub fn region_of(&self, join: &str) -> &[usize] {
        self.at(join).and_then(|at| self.regions.get(&at)).map_or(&[], Vec::as_slice)
    }

    /// Can one of the tokens at `tokens` still come along this arrow of the join, without passing the join? Conditions
    /// are ignored, other joins let each token pass (C9).
    pub fn can_come(&self, join: &str, arrow: &str, tokens: &[&str]) -> bool {
        let Some(to) = self.at(join) else { return false };
        let Some(arrow) = self.arrows[to].iter().find(|a| a.name == arrow) else { return false };
        let mut seen = vec![false; self.len()];
        let mut open: VecDeque<usize> = tokens.iter().filter_map(|t| self.at(t)).collect();
        while let Some(at) = open.pop_front() {
            if std::mem::replace(&mut seen[at], true) {
                continue;
            }
            if arrow.from.contains(&at) {
                return true;
            }
            open.extend(self.next[at].iter().filter(|n| **n != to && !seen[**n]));
        }
        false
    }

    /// For each activity whether a token there can still come along this arrow of the join, without passing it.
    pub fn comes(&self, join: &str, arrow: &str) -> Vec<bool> {
        let mut from = vec![false; self.len()];
        let Some(to) = self.at(join) else { return from };
        let Some(arrow) = self.arrows[to].iter().find(|a| a.name == arrow) else { return from };
        let mut open: Vec<usize> = arrow.from.clone();
        while let Some(at) = open.pop() {
            // The join is where a token may stand, and not what it passes.
            if !std::mem::replace(&mut from[at], true) && at != to {
                open.extend(self.before[at].iter().filter(|b| !from[**b]));
            }
        }
        from
    }

    /// What lies between a join and its immediate dominator: on a way from the one to the other that passes neither.
    fn region(&self, join: usize, dominator: Option<usize>, starts: &[usize]) -> Vec<usize> {
        let from = dominator.map_or(starts, |d| &self.next[d]);
        let not = [Some(join), dominator];
        let ahead = self.reached(from, &self.next, not);
        let behind = self.reached(&self.before[join], &self.before, not);
        (0..self.len()).filter(|at| ahead[*at] && behind[*at]).collect()
    }

    fn reached(&self, from: &[usize], next: &[Vec<usize>], not: [Option<usize>; 2]) -> Vec<bool> {
        let mut found = vec![false; self.len()];
        let mut open = from.to_vec();
        while let Some(at) = open.pop() {
            if !not.contains(&Some(at)) && !std::mem::replace(&mut found[at], true) {
                open.extend(next[at].iter().filter(|n| !found[**n]));
            }
        }
        found
    }

    /// For each activity the last one that every way from a start passes before it; `None` where there is none, or no way.
    /// K. Cooper, T. Harvey, K. Kennedy, "A Simple, Fast Dominance Algorithm" (2001); the starts hang on a root of their own.
    fn dominators(&self, starts: &[usize]) -> Vec<Option<usize>> {
        let root = self.len();
        let next = |at: usize| if at == root { starts } else { &self.next[at][..] };
        let mut number = vec![usize::MAX; root + 1];
        let mut order = vec![];
        let mut stack = vec![(root, 0)];
        let mut seen = vec![false; root + 1];
        seen[root] = true;
        while let Some((at, child)) = stack.pop() {
            match next(at).get(child) {
                Some(to) => {
                    stack.push((at, child + 1));
                    if !std::mem::replace(&mut seen[*to], true) {
                        stack.push((*to, 0));
                    }
                }
                None => {
                    number[at] = order.len();
                    order.push(at);
                }
            }
        }
        let mut dominator = vec![usize::MAX; root + 1];
        dominator[root] = root;
        let common = |dominator: &[usize], mut a: usize, mut b: usize| {
            while a != b {
                while number[a] < number[b] {
                    a = dominator[a];
                }
                while number[b] < number[a] {
                    b = dominator[b];
                }
            }
            a
        };
        loop {
            let mut changed = false;
            for at in order.iter().rev().copied().filter(|at| *at != root) {
                let from = self.before[at].iter().copied().chain(starts.contains(&at).then_some(root));
                let known = from.filter(|f| dominator[*f] != usize::MAX);
                let Some(new) = known.reduce(|a, b| common(&dominator, a, b)) else { continue };
                changed |= std::mem::replace(&mut dominator[at], new) != new;
            }
            if !changed {
                break;
            }
        }
        dominator[..root].iter().map(|d| (*d < root).then_some(*d)).collect()
    }
}
