//! The way out of an activity: its branch is chosen, its actions run, its tokens are placed (C4 to C7).

use crate::execution::at::At;
use crate::execution::run::{Run, Savepoint};
use crate::rules::failure::Failure;
use crate::state::event::{Event, StepUndone, WorkEnded};
use crate::state::ids::{InstanceId, Login, WorkId};
use crate::state::people::SYSTEM;
use crate::state::snapshot::{WorkItem, WorkStatus};
use vorgang_definitions::kinds::branch::{Branch, Next, Split, Target, Transition};
use vorgang_definitions::kinds::process::Activity;

/// What looking for a branch found.
pub enum Ways<'p> {
    /// Each with the transition that led to it.
    Taken(Vec<Way<'p>>),
    /// No condition held; these were false.
    None(Vec<String>),
    /// The activity has no `next`.
    Ends,
}

/// A way that is taken.
pub struct Way<'p> {
    pub transition: Option<&'p Transition>,
    pub targets: Vec<&'p Target>,
}

impl<'p> From<&'p Transition> for Way<'p> {
    fn from(transition: &'p Transition) -> Self {
        Self { transition: Some(transition), targets: transition.to.iter().collect() }
    }
}

impl<'a> Run<'a> {
    pub fn again(&mut self, seq: WorkId) {
        self.net.entered.push_back(seq);
    }

    /// Completes an activity with an outcome: the branch is chosen, its `do` runs, its tokens are placed.
    ///
    /// `Ok(Some(conditions))` when no branch held: nothing has moved, everything since the call is rolled back.
    pub fn complete(&mut self, seq: WorkId, outcome: &str, by: &Login) -> Result<Option<Vec<String>>, Failure> {
        // What was withdrawn meanwhile leads nowhere.
        let Some(item) = self.snapshot.item(seq).filter(|w| w.status.is_open()).cloned() else { return Ok(None) };
        let Some(process) = self.process_of(item.instance) else { return Ok(None) };
        let Some(activity) = process.def.activities.get(&item.activity) else {
            return Err(Failure::new("definition", "the activity is gone"));
        };
        if let Some(copy) = item.copy() {
            return self.copy_done(&item, copy, outcome, by);
        }
        if self.repeats(&item, activity, outcome, by)? {
            return Ok(None);
        }
        self.leave(&item, activity, outcome, by, |run| run.way(&item, activity, outcome))
    }

    /// As [`Run::complete`], without its having been done: what follows finds the outcome, and there is nothing to take back.
    pub(crate) fn skip(&mut self, item: &WorkItem, activity: &Activity, outcome: &str, by: &Login) -> Result<Option<Vec<String>>, Failure> {
        let savepoint = self.savepoint();
        self.end_work(item.seq, WorkStatus::Done, Some(outcome), by);
        self.record(Event::StepUndone(StepUndone { instance: item.instance, activity: item.activity.clone() }));
        self.exit_activity(item, activity, |run| run.way(item, activity, outcome), savepoint)
    }

    /// What the activity's `next` says to the outcome.
    fn way<'p>(&self, item: &WorkItem, activity: &'p Activity, outcome: &str) -> Result<Ways<'p>, Failure> {
        let branch = match &activity.next {
            None => return Ok(Ways::Ends),
            Some(Next::Branch(branch)) => branch,
            Some(Next::Outcomes(map)) => match map.get(outcome) {
                Some(branch) => branch,
                None => return Err(Failure::new("definition", format!("`next` has no branch for `{outcome}`"))),
            },
        };
        self.choose(At::item(item), branch, activity.split.unwrap_or(Split::First))
    }

    /// As [`Run::complete`], on a way of its own: a timer's.
    pub fn complete_on(&mut self, seq: WorkId, outcome: &str, branch: &Branch) -> Result<Option<Vec<String>>, Failure> {
        let Some(item) = self.snapshot.item(seq).filter(|w| w.status.is_open()).cloned() else { return Ok(None) };
        let Some(process) = self.process_of(item.instance) else { return Ok(None) };
        let Some(activity) = process.def.activities.get(&item.activity) else { return Ok(None) };
        self.leave_early(&item, activity, outcome, |run| run.choose(At::item(&item), branch, Split::First))
    }

    /// By something other than its completion: what runs within is withdrawn.
    pub(crate) fn leave_early<'p>(
        &mut self,
        item: &WorkItem,
        activity: &Activity,
        outcome: &str,
        choose: impl FnOnce(&Self) -> Result<Ways<'p>, Failure>,
    ) -> Result<Option<Vec<String>>, Failure> {
        if item.status != WorkStatus::Running {
            return self.leave(item, activity, outcome, &SYSTEM, choose);
        }
        let savepoint = self.savepoint();
        self.withdraw_within(item);
        let left = self.leave(item, activity, outcome, &SYSTEM, choose);
        if !matches!(left, Ok(None)) {
            self.roll_back(savepoint);
        }
        left
    }

    pub fn leave<'p>(
        &mut self,
        item: &WorkItem,
        activity: &Activity,
        outcome: &str,
        by: &Login,
        choose: impl FnOnce(&Self) -> Result<Ways<'p>, Failure>,
    ) -> Result<Option<Vec<String>>, Failure> {
        let savepoint = self.savepoint();
        // `steps.SELF` is set when its own `next` is tried.
        self.end_work(item.seq, WorkStatus::Done, Some(outcome), by);
        self.exit_activity(item, activity, choose, savepoint)
    }

    /// The token has ended; the savepoint is from before.
    fn exit_activity<'p>(
        &mut self,
        item: &WorkItem,
        activity: &Activity,
        choose: impl FnOnce(&Self) -> Result<Ways<'p>, Failure>,
        savepoint: Savepoint,
    ) -> Result<Option<Vec<String>>, Failure> {
        let choice = match choose(self) {
            Ok(choice) => choice,
            Err(failure) => {
                self.roll_back(savepoint);
                return Err(failure);
            }
        };
        let outer = self.net.leaving;
        self.net.leaving = outer + 1;
        let taken = self.take_ways(item, activity, choice, savepoint);
        self.net.leaving = outer;
        match taken? {
            Some(conditions) => Ok(Some(conditions)),
            None => {
                if outer == 0 {
                    self.end_instance_if_idle(item.instance);
                }
                Ok(None)
            }
        }
    }

    fn take_ways(
        &mut self,
        item: &WorkItem,
        activity: &Activity,
        choice: Ways,
        savepoint: Savepoint,
    ) -> Result<Option<Vec<String>>, Failure> {
        match choice {
            Ways::None(conditions) => {
                self.roll_back(savepoint);
                return Ok(Some(conditions));
            }
            Ways::Taken(ways) => {
                for Way { transition, targets } in ways {
                    if let Some(t) = transition
                        && let Err(failure) = self.actions(&t.actions, At::item(item))
                    {
                        self.roll_back(savepoint);
                        return Err(failure);
                    }
                    if self.snapshot.instance(item.instance).is_none_or(|i| i.outcome.is_some()) {
                        return Ok(None);
                    }
                    if targets.iter().any(|t| matches!(t, Target::Stay(_))) {
                        self.stay(item, savepoint);
                        return Ok(None);
                    }
                    self.place_all(item.instance, transition, &targets, &item.activity);
                }
            }
            Ways::Ends => {
                if let Some(end) = &activity.end {
                    self.end_instance(item.instance, end);
                }
            }
        }
        Ok(None)
    }

    /// Saved and remained: the token is where it was, its forms are drawn anew. The way's actions are kept.
    fn stay(&mut self, item: &WorkItem, savepoint: Savepoint) {
        let kept: Vec<Event> = self.events[savepoint.events..]
            .iter()
            .filter(|e| !matches!(e, Event::WorkEnded(WorkEnded { seq, .. }) if *seq == item.seq))
            .cloned()
            .collect();
        let (entered, made, reach) = (self.net.entered.clone(), self.made.split_off(savepoint.made), self.reach.split_off(savepoint.reach));
        let (named, notice) = (std::mem::take(&mut self.named), self.notice.take());
        self.roll_back(savepoint);
        (self.named, self.notice) = (named, notice);
        for event in kept {
            self.emit(event);
        }
        self.net.entered = entered;
        self.made.extend(made);
        self.reach.extend(reach);
        self.change_work(item.seq, WorkStatus::Started, item.claimed_by.clone(), true);
    }

    /// Tokens to the targets, in their order.
    pub(crate) fn place_all(&mut self, instance: InstanceId, transition: Option<&Transition>, targets: &[&Target], source: &str) {
        for target in targets.iter().filter_map(|t| t.activity()) {
            for _ in 0..transition.map_or(1, Transition::times) {
                self.chain.steps += 1;
                self.enter(instance, target, Some(source));
            }
        }
    }

    /// The ways that hold, for an instance and where there is one a work item (C6).
    pub(crate) fn choose<'p>(&self, at: At, branch: &'p Branch, split: Split) -> Result<Ways<'p>, Failure> {
        let tried = match branch {
            Branch::To(target) => return Ok(Ways::Taken(vec![Way { transition: None, targets: vec![target] }])),
            Branch::Tried(tried) => tried,
        };
        let (mut taken, mut conditions): (Vec<Way>, Vec<String>) = (vec![], vec![]);
        for transition in tried {
            let holds = match &transition.when {
                Some(when) => self.holds(when, at)?,
                None => !transition.otherwise || taken.is_empty(),
            };
            if holds {
                taken.push(transition.into());
                if split == Split::First {
                    break;
                }
            }
            conditions.extend(transition.when.as_ref().filter(|_| !holds).map(|w| w.text().trim().to_owned()));
        }
        Ok(if taken.is_empty() { Ways::None(conditions) } else { Ways::Taken(taken) })
    }
}

/// An error where no branch held: what is done by the system has to go on.
pub fn moved(unmet: Option<Vec<String>>) -> Result<(), Failure> {
    unmet.map_or(Ok(()), |conditions| Err(no_branch(&conditions)))
}

pub fn no_branch(conditions: &[String]) -> Failure {
    let list = conditions.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ");
    Failure::new("no_branch", format!("no branch holds; false are {list}"))
}
