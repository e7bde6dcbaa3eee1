//! Tokens that come together (C8, C9). What waits at a join is a work item with the arrow on which it came.

use crate::execution::run::Run;
use crate::state::ids::{InstanceId, WorkId};
use crate::state::people::SYSTEM;
use crate::state::snapshot::{Instance, WorkItem, WorkStatus};
use vorgang_definitions::kinds::branch::Join;
use vorgang_definitions::model::ProcessModel;

impl Run<'_> {
    /// Places a token. At a join it waits until its turn has come.
    pub fn enter(&mut self, instance: InstanceId, activity: &str, source: Option<&str>) {
        let Some(process) = self.process_of(instance) else { return };
        let join = join_of(&process, activity);
        let Some(source) = source.filter(|_| join.waits()) else {
            let seq = self.place_token(instance, activity, WorkStatus::Offered, source);
            self.net.entered.push_back(seq);
            return;
        };
        self.place_token(instance, activity, WorkStatus::Waiting, Some(source));
        match join {
            Join::All => self.join_all(&process, instance, activity),
            Join::First { count, cancels } => self.join_first(&process, instance, activity, count, cancels),
            Join::Tokens(count) => self.join_tokens(instance, activity, count),
            // Only at rest is it known what can still come.
            Join::Any | Join::Matching => {}
        }
    }

    /// Fires when every arrow has a token: takes one of each, the rest waits for the next round.
    fn join_all(&mut self, process: &ProcessModel, instance: InstanceId, activity: &str) {
        let oldest = |source: &str| self.at_join(instance, activity).find(|w| w.source.as_deref() == Some(source)).map(|w| w.seq);
        if let Some(taken) = process.net.arrows(activity).map(oldest).collect::<Option<Vec<WorkId>>>() {
            self.fire(instance, activity, taken);
        }
    }

    /// Fires when so many different arrows have delivered; what comes later in the round is absorbed. With `cancels`
    /// what is late is withdrawn, and the next round begins at once.
    fn join_first(&mut self, process: &ProcessModel, instance: InstanceId, activity: &str, count: usize, cancels: bool) {
        loop {
            let waiting: Vec<(WorkId, String)> =
                self.at_join(instance, activity).filter_map(|w| Some((w.seq, w.source.clone()?))).collect();
            let Some(mut more) = self.snapshot.instance(instance).map(|i| i.more()) else { return };
            if let Some(delivered) = more.rounds.get_mut(activity) {
                // A second one of the same arrow waits for the next round.
                let Some((seq, source)) = waiting.into_iter().find(|(_, s)| !delivered.contains(s)) else { return };
                delivered.push(source);
                self.end_work(seq, WorkStatus::Done, None, &SYSTEM);
                self.note_instance(instance, more);
                continue;
            }
            let mut arrows: Vec<(WorkId, String)> = vec![];
            for (seq, source) in waiting {
                if arrows.len() < count && !arrows.iter().any(|(_, s)| *s == source) {
                    arrows.push((seq, source));
                }
            }
            if arrows.len() < count {
                return;
            }
            let (taken, sources): (Vec<WorkId>, Vec<String>) = arrows.into_iter().unzip();
            self.fire(instance, activity, taken);
            if cancels {
                self.withdraw_those(|w| w.instance == instance && process.net.in_region(activity, &w.activity));
            } else {
                more.rounds.insert(activity.to_owned(), sources);
                self.note_instance(instance, more);
            }
        }
    }

    /// Takes any so many.
    fn join_tokens(&mut self, instance: InstanceId, activity: &str, count: usize) {
        let waiting: Vec<WorkId> = self.at_join(instance, activity).map(|w| w.seq).take(count).collect();
        if waiting.len() == count {
            self.fire(instance, activity, waiting);
        }
    }

    fn fire(&mut self, instance: InstanceId, activity: &str, taken: Vec<WorkId>) {
        for seq in taken {
            self.end_work(seq, WorkStatus::Done, None, &SYSTEM);
        }
        let seq = self.place_token(instance, activity, WorkStatus::Offered, None);
        self.net.entered.push_back(seq);
    }

    /// Tokens that wait at the join, the oldest first.
    fn at_join<'s>(&'s self, instance: InstanceId, activity: &'s str) -> impl Iterator<Item = &'s WorkItem> {
        self.snapshot.work.iter().filter(move |w| w.instance == instance && w.activity == activity && waits_at_join(w))
    }

    /// At rest: joins for which nothing more can come fire, and rounds that are over begin anew. True when one did.
    pub(crate) fn settle_joins(&mut self) -> bool {
        let settles = |i: &&Instance| {
            i.outcome.is_none()
                && (i.more.as_ref().is_some_and(|m| !m.rounds.is_empty())
                    || self.snapshot.work.iter().any(|w| w.instance == i.seq && waits_at_join(w)))
        };
        let instances: Vec<InstanceId> = self.snapshot.instances.iter().filter(settles).map(|i| i.seq).collect();
        instances.into_iter().any(|i| self.settle_instance(i))
    }

    fn settle_instance(&mut self, instance: InstanceId) -> bool {
        let Some(process) = self.process_of(instance) else { return false };
        let Some(mut more) = self.snapshot.instance(instance).map(|i| i.more()) else { return false };
        let over = |(join, delivered): (&String, &Vec<String>)| {
            let late = |arrow: &str| !delivered.iter().any(|d| d == arrow) && self.can_come(&process, instance, join, arrow);
            (!process.net.arrows(join).any(late)).then(|| join.clone())
        };
        if let Some(join) = more.rounds.iter().find_map(over) {
            more.rounds.remove(&join);
            self.note_instance(instance, more);
            if let Join::First { count, cancels } = join_of(&process, &join) {
                self.join_first(&process, instance, &join, count, cancels);
            }
            return true;
        }
        let waiting = |w: &&WorkItem| w.instance == instance && waits_at_join(w) && join_of(&process, &w.activity) == Join::Matching;
        let mut joins: Vec<String> = vec![];
        for item in self.snapshot.work.iter().filter(waiting) {
            if !joins.contains(&item.activity) {
                joins.push(item.activity.clone());
            }
        }
        let empty = |join: &str, arrow: &str| !self.at_join(instance, join).any(|w| w.source.as_deref() == Some(arrow));
        let ready = |join: &&String| !process.net.arrows(join).any(|a| empty(join, a) && self.can_come(&process, instance, join, a));
        let stuck = || self.snapshot.open_work().filter(|w| w.instance == instance && w.copy().is_none()).all(|w| waiting(&w));
        // Where all wait for each other the oldest goes.
        let Some(join) = joins.iter().find(ready).or_else(|| joins.first().filter(|_| stuck())).cloned() else { return false };
        let oldest = |arrow: &str| self.at_join(instance, &join).find(|w| w.source.as_deref() == Some(arrow)).map(|w| w.seq);
        let taken: Vec<WorkId> = process.net.arrows(&join).filter_map(oldest).collect();
        self.fire(instance, &join, taken);
        true
    }

    /// Can a token that does not wait at this join still come along the arrow?
    fn can_come(&self, process: &ProcessModel, instance: InstanceId, join: &str, arrow: &str) -> bool {
        // Copies lead nowhere: the token whose copies they are does.
        let moves = |w: &&WorkItem| w.instance == instance && w.copy().is_none() && !(w.activity == join && waits_at_join(w));
        let others = self.snapshot.open_work().filter(moves);
        process.net.can_come(join, arrow, &others.map(|w| w.activity.as_str()).collect::<Vec<_>>())
    }
}

fn join_of(process: &ProcessModel, activity: &str) -> Join {
    process.def.activities.get(activity).and_then(|a| a.join).unwrap_or(Join::Any)
}

/// It has not passed its join yet; what waits for a condition or a mutex has.
pub(crate) fn waits_at_join(item: &WorkItem) -> bool {
    item.status == WorkStatus::Waiting && item.more.as_ref().is_none_or(|m| m.waits.is_none())
}
