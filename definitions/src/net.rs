//! The drawn net of a process: who leads to whom, and what follows from it for joins (C8, C9) and groups (C12).

use crate::kinds::process::{Join, Process};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// Activities by their place in the definition.
#[derive(Debug, Clone, Default)]
pub struct Net {
    index: HashMap<String, usize>,
    /// For each activity what leads to it, in the order of the definition.
    arrows: Vec<Vec<Arrow>>,
    /// For each activity where a token may go from it.
    next: Vec<Vec<usize>>,
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
    pub fn new(process: &Process) -> Self {
        let index: HashMap<String, usize> = process.activities.names().enumerate().map(|(i, n)| (n.to_owned(), i)).collect();
        let count = index.len();
        let mut net = Self { arrows: vec![vec![]; count], next: vec![vec![]; count], groups: vec![vec![]; count], ..Self::default() };
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
        for (name, activity) in process.activities.iter() {
            if let (Some(Join::First { cancels: true, .. }), Some(at)) = (activity.join, net.at(name)) {
                let starts: Vec<usize> = process.begins().into_iter().filter_map(|n| net.at(n)).collect();
                let region = net.region(at, &starts);
                net.regions.insert(at, region);
            }
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

    /// What lies between a join and its immediate dominator: on a way from the one to the other that passes neither.
    fn region(&self, join: usize, starts: &[usize]) -> Vec<usize> {
        let dominator = self.dominator(join, starts);
        let from: Vec<usize> = dominator.map_or(starts.to_vec(), |d| self.next[d].clone());
        let ahead = self.reached(from, |at| self.next[at].clone(), &[Some(join), dominator]);
        let before: Vec<Vec<usize>> =
            (0..self.len()).map(|to| (0..self.len()).filter(|at| self.next[*at].contains(&to)).collect()).collect();
        let behind = self.reached(before[join].clone(), |at| before[at].clone(), &[Some(join), dominator]);
        ahead.intersection(&behind).copied().collect()
    }

    fn reached(&self, from: Vec<usize>, next: impl Fn(usize) -> Vec<usize>, not: &[Option<usize>]) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open = from;
        while let Some(at) = open.pop() {
            if !not.contains(&Some(at)) && found.insert(at) {
                open.extend(next(at));
            }
        }
        found
    }

    /// The last activity that every way from a start to `to` passes; `None` where there is none but the start.
    fn dominator(&self, to: usize, starts: &[usize]) -> Option<usize> {
        // `d` dominates `to` when nothing leads there without it; the nearest is dominated by all others.
        let leads = |without: usize| self.reached(starts.to_vec(), |at| self.next[at].clone(), &[Some(without)]).contains(&to);
        let all: Vec<usize> = (0..self.len()).filter(|d| *d != to && !leads(*d)).collect();
        let nearest = |d: &&usize| {
            let reached = |other: usize| self.reached(starts.to_vec(), |at| self.next[at].clone(), &[Some(other)]).contains(*d);
            all.iter().filter(|o| *o != *d).all(|o| !reached(*o))
        };
        all.iter().find(nearest).copied()
    }
}
