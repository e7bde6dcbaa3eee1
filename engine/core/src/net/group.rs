//! Groups: phases with clocks and handlers of their own, which are cancelled whole (C12, C16).

use crate::execution::at::At;
use crate::execution::run::Run;
use crate::net::step::{Way, Ways, no_branch};
use crate::net::timer;
use crate::rules::failure::Failure;
use crate::state::event::{Event, TimerEnded};
use crate::state::ids::{InstanceId, TimerId};
use crate::state::snapshot::Retry;
use crate::state::timer::{Timer, TimerKind};
use vorgang_definitions::kinds::branch::{Branch, Split};
use vorgang_definitions::kinds::group::Group;
use vorgang_definitions::model::ProcessModel;

impl Run<'_> {
    /// At rest: the clocks of groups that tokens have entered are set, those of groups that are empty are taken back.
    pub(crate) fn settle_groups(&mut self) {
        let running: Vec<InstanceId> = self.snapshot.instances.iter().filter(|i| i.outcome.is_none()).map(|i| i.seq).collect();
        for instance in running {
            let Some(process) = self.process_of(instance).filter(|p| !p.def.groups.is_empty()) else { continue };
            for (place, (name, group)) in process.def.groups.iter().enumerate() {
                self.settle_group(&process, instance, place, name, group);
            }
        }
    }

    fn settle_group(&mut self, process: &ProcessModel, instance: InstanceId, place: usize, name: &str, group: &Group) {
        let occupied = self.snapshot.open_work().any(|w| w.instance == instance && process.net.is_in(&w.activity, place));
        let Some(mut more) = self.snapshot.instance(instance).map(|i| i.more()) else { return };
        let timed = |t: &&Timer| matches!(t.kind, TimerKind::Group { instance: i, group: g, .. } if i == instance && g == place);
        if !occupied {
            if more.groups.remove(name).is_some() {
                self.note_instance(instance, more);
                let gone: Vec<TimerId> = self.snapshot.timers.iter().filter(timed).map(|t| t.seq).collect();
                gone.into_iter().for_each(|seq| self.emit(Event::TimerEnded(TimerEnded { seq })));
            }
            return;
        }
        if std::mem::replace(&mut more.groups.entry(name.to_owned()).or_default().timed, true) {
            return;
        }
        self.note_instance(instance, more);
        for (index, t) in group.timers.iter().enumerate() {
            let kind = TimerKind::Group { instance, group: place, index };
            if let Err(failure) = timer::set(self, None, kind, t.after.0, t.calendar.as_deref()) {
                self.raise(failure, Some(name.to_owned()), Retry::Nothing);
            }
        }
    }

    /// Cancels the group and goes on: its actions run, then its tokens are placed.
    pub(crate) fn leave_group(&mut self, instance: InstanceId, group: usize, branch: &Branch) -> Result<(), Failure> {
        let Some(process) = self.process_of(instance) else { return Ok(()) };
        let Some((name, _)) = process.def.groups.at(group) else { return Ok(()) };
        let ways = match self.choose(At::Instance(instance), branch, Split::First)? {
            Ways::None(conditions) => return Err(no_branch(&conditions)),
            Ways::Ends => vec![],
            Ways::Taken(ways) => ways,
        };
        self.withdraw_those(|w| w.instance == instance && process.net.is_in(&w.activity, group));
        for Way { transition, targets } in ways {
            if let Some(t) = transition {
                self.actions(&t.actions, At::Instance(instance))?;
            }
            if self.snapshot.instance(instance).is_none_or(|i| i.outcome.is_some()) {
                return Ok(());
            }
            self.place_all(instance, transition, &targets, name);
        }
        Ok(())
    }
}
