//! What keeps an activity closed: its `while` (C13), and mutexes that others hold (C14). Clocks stand meanwhile.

use crate::execution::at::At;
use crate::execution::run::Run;
use crate::net::mutex::{self, SiteHolder};
use crate::rules::failure::Failure;
use crate::rules::rejection::{Rejection, RightReason};
use crate::state::event::{Event, TimerSet};
use crate::state::ids::WorkId;
use crate::state::people::SYSTEM;
use crate::state::snapshot::{Instance, Retry, Waits, WorkItem, WorkMore, WorkStatus};
use crate::state::timer::{Pause, Standing, Timer};
use jiff::Timestamp;
use vorgang_definitions::calendar::later;
use vorgang_definitions::cel::value::Duration;
use vorgang_definitions::kinds::process::Activity;
use vorgang_definitions::model::ProcessModel;

impl Run<'_> {
    /// May the token begin now? Otherwise it waits, or goes to `else`.
    pub(crate) fn may_begin(&mut self, item: &WorkItem, activity: &Activity) -> bool {
        match self.open_while(item, activity) {
            Ok(true) => {}
            Ok(false) => {
                self.close(item, activity);
                return false;
            }
            Err(failure) => {
                self.fail(item.seq, failure, Retry::Enter { work: item.seq });
                return false;
            }
        }
        // People are all offered it: whoever starts first holds the mutex. What runs by itself waits for its turn.
        let by_itself = activity.is_automatic() || activity.for_each.is_some() || activity.process.is_some();
        if !by_itself {
            self.waits_no_more(item.seq);
            return true;
        }
        if self.held_by(item).is_some() {
            self.waits_for(item.seq, Waits::Mutex { name: None, key: None, ticket: None });
            return false;
        }
        match self.take_site(item, true) {
            Ok(None) => {
                self.waits_no_more(item.seq);
                self.start_groups(item);
                true
            }
            Ok(Some((held, holder))) => {
                self.waits_for(item.seq, mutex::waits(&held, &holder));
                false
            }
            Err(failure) => {
                self.fail(item.seq, failure, Retry::Enter { work: item.seq });
                false
            }
        }
    }

    fn open_while(&self, item: &WorkItem, activity: &Activity) -> Result<bool, Failure> {
        activity.while_.as_ref().map_or(Ok(true), |when| self.holds(when, At::item(item)))
    }

    /// Its condition does not hold: it waits, or is withdrawn and goes elsewhere.
    fn close(&mut self, item: &WorkItem, activity: &Activity) {
        match &activity.else_ {
            None => self.waits_for(item.seq, Waits::Condition),
            Some(target) => {
                self.withdraw(item.seq);
                self.chain.steps += 1;
                self.enter(item.instance, target, Some(&item.activity));
            }
        }
    }

    fn waits_for(&mut self, seq: WorkId, what: Waits) {
        let Some(item) = self.snapshot.item(seq).cloned() else { return };
        let mut more = item.more();
        if more.waits.as_ref() == Some(&what) {
            return;
        }
        more.waited |= matches!(what, Waits::Mutex { key: Some(_), .. });
        more.waits = Some(what);
        self.note_work(seq, more);
        self.change_work(seq, WorkStatus::Waiting, item.claimed_by, true);
    }

    fn waits_no_more(&mut self, seq: WorkId) {
        let Some(item) = self.snapshot.item(seq).cloned() else { return };
        let mut more = item.more();
        if more.waits.take().is_some() {
            self.note_work(seq, more);
        }
    }

    /// At rest: conditions that hold no more, those that hold again, and mutexes that are free. True when something was
    /// done.
    pub(crate) fn open_guards(&mut self) -> bool {
        let guarded = |w: &&WorkItem| {
            let process = self.process_of(w.instance);
            let waits = w.more.as_ref().is_some_and(|m| m.waits.is_some());
            waits || process.is_some_and(|p| p.def.activities.get(&w.activity).is_some_and(|a| a.while_.is_some()))
        };
        let items: Vec<WorkItem> = self.snapshot.open_work().filter(guarded).cloned().collect();
        items.iter().any(|item| self.open_guard(item))
    }

    fn open_guard(&mut self, item: &WorkItem) -> bool {
        let Some(process) = self.process_of(item.instance) else { return false };
        let Some(activity) = process.def.activities.get(&item.activity) else { return false };
        let waits = item.more.as_ref().and_then(|m| m.waits.clone());
        let free = matches!(item.status, WorkStatus::Offered | WorkStatus::Started | WorkStatus::Running);
        if waits.is_none() && !free {
            return false;
        }
        if let Some(Waits::Mutex { name, key, .. }) = &waits {
            if self.held_by(item).is_some() {
                return false;
            }
            let site = name.as_ref().zip(key.as_ref()).map(|(n, k)| self.site_holder(n, k)).transpose();
            let Some(site) = self.known(site) else { return false };
            match site {
                None | Some(SiteHolder::Free(None)) => {}
                Some(SiteHolder::Free(Some(first))) if first == self.snapshot.ticket.number => {}
                Some(_) => return false,
            }
            self.chain.steps += 1;
            self.net.entered.push_back(item.seq);
            self.waits_no_more(item.seq);
            return true;
        }
        let open = match self.open_while(item, activity) {
            Ok(open) => open,
            Err(failure) => {
                self.cannot_look(item, failure);
                return false;
            }
        };
        match (open, waits.is_some()) {
            (true, true) => {
                self.chain.steps += 1;
                self.waits_no_more(item.seq);
                if item.more().since.is_some() {
                    self.resume(item, activity);
                } else {
                    self.net.entered.push_back(item.seq);
                }
                true
            }
            (false, false) => {
                self.chain.steps += 1;
                if activity.else_.is_none() {
                    self.stop_clocks(item.seq, Pause::Condition);
                }
                self.close(item, activity);
                true
            }
            _ => false,
        }
    }

    /// As before, with the time that was left.
    pub(crate) fn resume(&mut self, item: &WorkItem, activity: &Activity) {
        self.start_clocks(item.seq);
        let runs = activity.for_each.is_some() && item.copy().is_none() || item.child().is_some();
        let status = if runs {
            WorkStatus::Running
        } else if item.claimed_by.is_some() {
            WorkStatus::Started
        } else {
            self.free(item.seq)
        };
        self.change_work(item.seq, status, item.claimed_by.clone(), true);
    }

    /// Its clocks stand from now on.
    pub(crate) fn stop_clocks(&mut self, work: WorkId, by: Pause) {
        let Some(item) = self.snapshot.item(work).cloned() else { return };
        let since = self.ctx.now;
        let running: Vec<Timer> = self.snapshot.timers.iter().filter(|t| t.work == Some(work) && t.stands.is_none()).cloned().collect();
        for timer in running {
            let stands = Some(Standing { since, by });
            self.emit(Event::TimerSet(TimerSet { timer: Timer { stands, ..timer } }));
        }
        self.note_work(work, WorkMore { since: Some(since), ..item.more() });
    }

    /// They go on with what was left: elapsed time, or working time where they count that.
    fn start_clocks(&mut self, work: WorkId) {
        let Some(item) = self.snapshot.item(work).cloned() else { return };
        let mut more = item.more();
        let stands = more.since.take().map(|since| Standing { since, by: Pause::Suspended });
        let stopped = std::mem::take(&mut more.stopped).into_iter().map(|timer| Timer { stands, ..timer });
        let standing = self.snapshot.timers.iter().filter(|t| t.work == Some(work) && t.stands.is_some()).cloned();
        let standing: Vec<Timer> = stopped.chain(standing).collect();
        self.note_work(work, more);
        for timer in standing {
            let (names, now) = (&self.model.names, self.ctx.now);
            let calendar = timer.calendar.as_ref().and_then(|name| names.work_times.get(name));
            let between = |from: Timestamp, to: Timestamp| match calendar {
                Some(calendar) => calendar.between(from, to),
                None => to.duration_since(from).as_secs(),
            };
            let goes_on = |seconds: i64| later(now, Duration { days: 0, seconds }, calendar, &names.site.zone.0);
            let timer = timer.resumed(now, between, goes_on);
            self.emit(Event::TimerSet(TimerSet { timer }));
        }
    }

    // --- mutexes ------------------------------------------------------------------------------------------------------

    /// What holds a mutex that the item needs: the name of the mutex, and the work item.
    pub fn held_by(&self, item: &WorkItem) -> Option<(String, WorkItem)> {
        let process = self.process_of(item.instance)?;
        let instance = self.snapshot.instance(item.instance)?;
        self.needed(&process, instance, item).into_iter().find_map(|mutex| {
            let holds = |w: &&WorkItem| {
                let others = w.seq != item.seq && !of_one(w, item);
                let own = w.is_started() && process.def.activities.get(&w.activity).is_some_and(|a| named(a.mutex.as_ref(), &mutex));
                w.instance == item.instance && others && (own || self.holds_by_group(&process, instance, w, &mutex, item))
            };
            self.snapshot.open_work().find(holds).map(|w| (mutex.clone(), w.clone()))
        })
    }

    /// The mutexes that the item needs and does not have by its groups.
    fn needed(&self, process: &ProcessModel, instance: &Instance, item: &WorkItem) -> Vec<String> {
        let own = process.def.activities.get(&item.activity).and_then(|a| a.mutex.as_ref());
        let groups = process.net.groups_of(&item.activity).iter().filter_map(|g| process.def.groups.at(*g));
        let of_groups = groups.filter(|(name, _)| !started(instance, name)).filter_map(|(_, g)| g.mutex.as_ref());
        own.into_iter().chain(of_groups).filter(|m| m.key.is_none()).map(|m| m.name.to_string()).collect()
    }

    /// Does a group of `holder` that is not one of `item` hold the mutex?
    fn holds_by_group(&self, process: &ProcessModel, instance: &Instance, holder: &WorkItem, mutex: &str, item: &WorkItem) -> bool {
        process
            .net
            .groups_of(&holder.activity)
            .iter()
            .filter(|g| !process.net.is_in(&item.activity, **g))
            .any(|g| process.def.groups.at(*g).is_some_and(|(name, def)| named(def.mutex.as_ref(), mutex) && started(instance, name)))
    }

    /// The groups of the item that have a mutex hold it from now on.
    pub fn start_groups(&mut self, item: &WorkItem) {
        let Some(process) = self.process_of(item.instance) else { return };
        let Some(mut more) = self.snapshot.instance(item.instance).map(|i| i.more()) else { return };
        let mut changed = false;
        for (name, group) in process.net.groups_of(&item.activity).iter().filter_map(|g| process.def.groups.at(*g)) {
            let state = more.groups.entry(name.to_string()).or_default();
            changed |= group.mutex.is_some() && !std::mem::replace(&mut state.started, true);
        }
        if changed {
            self.note_instance(item.instance, more);
        }
    }

    /// A person starts the item: refused while another one holds what it needs.
    pub fn person_starts(&mut self, item: &WorkItem) -> Result<(), Rejection> {
        if let Some((mutex, holder)) = self.held_by(item) {
            let by = holder.claimed_by.clone().filter(|b| b != SYSTEM);
            let name = by.and_then(|login| self.ctx.people.get(&login).map(|p| p.name.clone()));
            return Err(Rejection::Right(RightReason::MutexHeld { mutex, activity: holder.activity, by: name }));
        }
        if let Some((held, by)) = self.take_site(item, false).map_err(|failure| Rejection::Failed(failure.message))? {
            return Err(Rejection::Right(match by.elsewhere() {
                Some(ticket) => RightReason::HeldElsewhere { mutex: held.name, key: held.key, ticket },
                None => RightReason::MutexHeld { activity: held.name.clone(), mutex: held.name, by: None },
            }));
        }
        self.start_groups(item);
        Ok(())
    }
}

/// Copies of one token, and the token, do not exclude each other: what they are done with is one activity.
fn of_one(a: &WorkItem, b: &WorkItem) -> bool {
    let of = |w: &WorkItem| w.copy().map(|c| c.of);
    of(a) == Some(b.seq) || of(b) == Some(a.seq)
}

fn named(mutex: Option<&vorgang_definitions::kinds::group::Mutex>, name: &str) -> bool {
    mutex.is_some_and(|m| m.name == name && m.key.is_none())
}

fn started(instance: &Instance, group: &str) -> bool {
    instance.more.as_ref().is_some_and(|m| m.groups.get(group).is_some_and(|g| g.started))
}
