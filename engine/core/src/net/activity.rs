//! An activity at work: its own actions, up to the first that has to be waited for, and what follows them (C2).

use crate::execution::at::At;
use crate::execution::run::Run;
use crate::net::step::no_branch;
use crate::net::workers::may_work;
use crate::net::{call, timer, voters};
use crate::rules::failure::Failure;
use crate::rules::who;
use crate::state::event::{Event, NobodyFound};
use crate::state::ids::{Login, WorkId};
use crate::state::people::SYSTEM;
use crate::state::snapshot::{Retry, WorkItem, WorkStatus};
use vorgang_definitions::actions::Verb;
use vorgang_definitions::kinds::process::Activity;
use vorgang_definitions::kinds::who::{Who, WhoWord, Whos};

impl Run<'_> {
    /// The activity's `do` runs on entry; without people it then completes (C2). One savepoint.
    pub(crate) fn begin(&mut self, item: &WorkItem) {
        let Some(process) = self.process_of(item.instance) else { return };
        let open = process.def.activities.get(&item.activity).is_none_or(|activity| self.may_begin(item, activity));
        if open && let Some(item) = self.snapshot.item(item.seq).cloned() {
            self.go_on(&item, 0, Retry::Enter { work: item.seq });
        }
    }

    /// The activity's `do` from this action on, and what follows it.
    pub(crate) fn go_on(&mut self, item: &WorkItem, from: usize, retry: Retry) {
        let Some(process) = self.process_of(item.instance) else { return };
        let Some(activity) = process.def.activities.get(&item.activity) else {
            self.fail(item.seq, Failure::new("definition", "the activity is gone"), Retry::Nothing);
            return;
        };
        let savepoint = self.savepoint();
        if let Err(failure) = self.activity(item, activity, from) {
            self.roll_back(savepoint);
            self.fail(item.seq, failure, retry);
        }
    }

    fn activity(&mut self, item: &WorkItem, activity: &Activity, from: usize) -> Result<(), Failure> {
        if activity.for_each.is_some() && item.copy().is_none() {
            return self.spread(item, activity);
        }
        let waits = !self.own_actions(item, activity, from)?;
        // Its own actions may have ended the instance, or itself.
        if !self.snapshot.item(item.seq).is_some_and(|w| w.status.is_open()) {
            return Ok(());
        }
        let alone = activity.is_automatic() || (item.copy().is_some() && activity.is_bare() && activity.process.is_none());
        if alone && !waits {
            let retry = Retry::Complete { work: item.seq, outcome: "done".into(), by: SYSTEM };
            if let Some(conditions) = self.complete(item.seq, "done", &SYSTEM)? {
                self.fail(item.seq, no_branch(&conditions), retry);
            }
            return Ok(());
        }
        // Clocks count from the entry: what goes on after an answer has them already.
        if from == 0 {
            timer::schedule(self, item, activity)?;
        }
        if waits {
            self.change_work(item.seq, WorkStatus::Calling, item.claimed_by.clone(), false);
            return Ok(());
        }
        if let Some(sub) = &activity.process {
            return self.start_sub(item, sub);
        }
        if from == 0 {
            self.pick(item, activity)?;
            self.look_for_people(item, activity);
        }
        if matches!(item.status, WorkStatus::Failed | WorkStatus::Calling | WorkStatus::Waiting) {
            self.change_work(item.seq, self.free(item.seq), item.claimed_by.clone(), true);
        }
        Ok(())
    }

    /// Are there people for it? Too few for an approval is an incident, unless a handler waits for that.
    fn look_for_people(&mut self, item: &WorkItem, activity: &Activity) {
        let (needed, found) = match &activity.approval {
            Some(approval) if !voters::is_open_to_all(approval) => (approval.required(), voters::votes_possible(self, item, approval)),
            Some(_) => return,
            None if !self.is_heard("nobody", Some(item.instance)) => return,
            None => match self.workers(item, activity) {
                Some(found) => (1, found),
                None => return,
            },
        };
        if found >= needed {
            return;
        }
        let before = self.reactions.happened.len();
        self.emit(Event::NobodyFound(NobodyFound { work: item.seq, needed: needed as u32, found: found as u32 }));
        if activity.approval.is_some() && self.reactions.happened.len() == before {
            let message = format!("`{}` needs {needed} people who may vote, and there are {found}", item.activity);
            self.raise(Failure::new("nobody", message), Some(item.activity.clone()), Retry::Nothing);
        }
    }

    /// How many people its dialogs are for; `None` where it is for anybody, or for nobody.
    fn workers(&self, item: &WorkItem, activity: &Activity) -> Option<usize> {
        let dialogs = activity.dialogs.iter();
        let whos: Vec<&Whos> = dialogs.filter_map(|(_, d)| d.who.as_ref().or(activity.assign.as_ref().map(|a| &a.who))).collect();
        if whos.is_empty() || whos.iter().any(|w| w.iter().any(|w| matches!(w, Who::Word(WhoWord::Anyone)))) {
            return None;
        }
        let scope = self.scope(At::item(item));
        // Whoever is excluded is not there for it. What cannot be evaluated is not known to be nobody.
        let able = |login: &Login| self.ctx.people.get(login).is_some_and(|p| may_work(self, item, p).is_ok());
        let count = |w: &&Whos| who::people(w, &scope).map_or(1, |people| people.iter().filter(|l| able(l)).count());
        Some(whos.iter().map(count).max().unwrap_or(0))
    }

    /// The status of a work item that nobody holds: with votes it has been started.
    pub fn free(&self, seq: WorkId) -> WorkStatus {
        if self.snapshot.votes.iter().any(|v| v.work == seq) { WorkStatus::Started } else { WorkStatus::Offered }
    }

    /// False when one of them has to be waited for: the others follow its answer.
    fn own_actions(&mut self, item: &WorkItem, activity: &Activity, from: usize) -> Result<bool, Failure> {
        let at = At::item(item);
        for (index, action) in activity.actions.iter().enumerate().skip(from) {
            let Verb::Run(program) = &action.verb else {
                self.action(action, at)?;
                continue;
            };
            let wanted = action.when.as_ref().map_or(Ok(true), |when| self.holds(when, at))?;
            if wanted {
                call::want(self, program, action.retry.as_ref(), at, Some(index))?;
                return Ok(false);
            }
        }
        Ok(true)
    }
}
