//! Runs a command to rest: all automatic steps are done (C4).

use crate::execution::decision::{Decision, Stop};
use crate::execution::run::{Run, STEPS_MAX};
use crate::net::timer;
use crate::react::family;
use crate::rules::failure::Failure;
use crate::rules::rejection::Rejection;
use crate::state::event::{Event, IncidentResolved};
use crate::state::ids::{IncidentId, InstanceId, WorkId};
use crate::state::snapshot::{Instance, Retry, WorkStatus};
use std::sync::Arc;
use vorgang_definitions::kinds::process::WhenClosed;
use vorgang_definitions::model::ProcessModel;

impl<'a> Run<'a> {
    /// Runs to rest and hands over the decision.
    pub fn finish(mut self) -> Result<Decision, Stop> {
        self.reactions.early = false;
        self.run_to_completion();
        while !self.is_void() && (self.close_instances()? || self.settle_incidents()) {
            self.run_to_completion();
        }
        family::tell_parents(&mut self);
        timer::follow_pending(&mut self);
        if let Err(failure) = timer::follow_owner(&mut self) {
            self.raise(failure, None, Retry::Nothing);
        }
        self.refresh_audiences();
        self.decision()
    }

    /// The end of a run whose command was carried out or refused. A refusal for want of a fact is none.
    pub fn conclude(self, done: Result<(), Rejection>) -> Result<Decision, Stop> {
        if !self.is_void() {
            done?;
        }
        self.finish()
    }

    /// Runs what goes on by itself, and looks again at what waits for changes, until nothing more happens (C4).
    pub fn run_to_completion(&mut self) {
        loop {
            if self.is_void() {
                return;
            }
            self.run_entered();
            if !self.react_to_changes()
                && !self.open_guards()
                && !self.look_at_lists()
                && !self.settle_joins()
                && !self.settle_ended()
                && !self.end_idle()
            {
                self.settle_groups();
                if self.free_site() {
                    continue;
                }
                return;
            }
        }
    }

    /// Tokens that entered an activity, first in, first out (C4.5).
    fn run_entered(&mut self) {
        while let Some(seq) = self.net.entered.pop_front().filter(|_| !self.is_void()) {
            let Some(item) = self.snapshot.item(seq).cloned().filter(|w| w.status.is_open()) else { continue };
            self.chain.step(item.activity.clone());
            if self.chain.is_too_long() || self.net.entered.len() > STEPS_MAX {
                // One incident with the chain; the other tokens wait where they are, and its retry takes them up.
                let failure = Failure::new("loop", format!("more than {STEPS_MAX} steps without a person"));
                let others: Vec<WorkId> = self.net.entered.drain(..).collect();
                for other in others {
                    self.change_work(other, WorkStatus::Failed, None, false);
                }
                self.fail(seq, failure, Retry::EnterAll);
                return;
            }
            self.begin(&item);
        }
    }

    /// A ticket that was closed by anything but the instance itself ends its other instances.
    fn close_instances(&mut self) -> Result<bool, Rejection> {
        let was = self.stored.is_some_and(|t| self.model.names.state_type(&t.state).is_final());
        if was || !self.model.names.state_type(&self.snapshot.ticket.state).is_final() {
            return Ok(false);
        }
        if let Some(process) = self.keeps_open(self.net.closed_by) {
            return Err(Rejection::KeptOpen { process });
        }
        let others = self.others(self.net.closed_by).filter(|(_, p)| p.def.when_closed() == WhenClosed::Cancel);
        let others: Vec<InstanceId> = others.map(|(i, _)| i.seq).collect();
        for seq in &others {
            self.end_instance(*seq, "cancelled");
        }
        Ok(!others.is_empty())
    }

    /// A running process, other than this one, that does not let the ticket be closed.
    pub(crate) fn keeps_open(&self, by: Option<InstanceId>) -> Option<String> {
        self.others(by).find(|(_, p)| p.def.when_closed() == WhenClosed::Refuse).map(|(i, _)| i.process.clone())
    }

    fn others(&self, by: Option<InstanceId>) -> impl Iterator<Item = (&Instance, &Arc<ProcessModel>)> {
        let running = self.snapshot.instances.iter().filter(move |i| i.outcome.is_none() && Some(i.seq) != by);
        running.filter_map(|i| Some((i, self.model.process_by_hash(&i.hash)?)))
    }

    /// An incident whose token has gone on, or was taken away, is over.
    fn settle_incidents(&mut self) -> bool {
        let gone = |work: WorkId| self.snapshot.item(work).is_none_or(|w| !w.status.is_open());
        let over = self.snapshot.incidents.iter().filter(|i| i.resolved.is_none() && i.retry.work().is_some_and(gone));
        let over: Vec<IncidentId> = over.map(|i| i.seq).collect();
        for seq in &over {
            self.emit(Event::IncidentResolved(IncidentResolved { seq: *seq, at: self.ctx.now }));
        }
        !over.is_empty()
    }
}
