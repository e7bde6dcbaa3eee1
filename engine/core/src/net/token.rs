//! Instances and their tokens: what places, changes and takes them away.

use crate::execution::run::Run;
use crate::net::timer;
use crate::rules::failure::Failure;
use crate::state::event::{Event, InstanceEnded, InstanceNoted, InstanceStarted, VoteCast, WorkChanged, WorkEnded, WorkEntered, WorkNoted};
use crate::state::ids::{InstanceId, Login, WorkId};
use crate::state::message::{self, Data, Datum};
use crate::state::people::SYSTEM;
use crate::state::snapshot::{Instance, InstanceMore, WorkItem, WorkMore, WorkStatus};
use vorgang_definitions::kinds::message::DataType;
use vorgang_definitions::model::ProcessModel;

/// Where a process begins that the system starts.
pub fn first(process: &ProcessModel) -> Result<&str, Failure> {
    process.def.first().ok_or_else(|| Failure::new("definition", "the process has no activity"))
}

impl Run<'_> {
    pub fn start_instance(&mut self, process: &ProcessModel, started_by: &Login) -> InstanceId {
        let seq: InstanceId = self.next_id();
        let instance = Instance {
            seq,
            process: process.def.name.to_string(),
            hash: process.hash.clone(),
            started: self.ctx.now,
            started_by: started_by.to_owned(),
            outcome: None,
            ended: None,
            more: None,
        };
        self.emit(Event::InstanceStarted(InstanceStarted { instance }));
        let no = process.def.data.iter().filter(|(_, of)| of.0 == DataType::Boolean);
        let data: Data = no.map(|(name, _)| (name.to_string(), Datum::Boolean(false))).collect();
        if !data.is_empty() {
            self.note_instance(seq, InstanceMore { data, ..InstanceMore::default() });
        }
        seq
    }

    /// Goes back to an activity: a new token with the votes of its last round; one that is there counts anew.
    pub fn reopen(&mut self, instance: InstanceId, activity: &str) -> Result<(), Failure> {
        let process = self.process_of(instance).ok_or_else(|| Failure::new("definition", "the process is gone"))?;
        let def = process.def.activities.get(activity).ok_or_else(|| Failure::new("definition", format!("no activity `{activity}`")))?;
        let open = self.snapshot.open_work().find(|w| w.instance == instance && w.activity == activity).cloned();
        if let Some(item) = open {
            return timer::schedule(self, &item, def);
        }
        let votes = self.snapshot.step(instance, activity).map(|s| s.votes.clone()).unwrap_or_default();
        let seq = self.place_token(instance, activity, WorkStatus::Offered, None);
        if !votes.is_empty() {
            self.change_work(seq, WorkStatus::Started, None, false);
        }
        for v in votes {
            self.record(Event::VoteCast(VoteCast { work: seq, person: v.person, outcome: v.outcome, at: v.at }));
        }
        self.net.entered.push_back(seq);
        Ok(())
    }

    pub(crate) fn place_token(&mut self, instance: InstanceId, activity: &str, status: WorkStatus, source: Option<&str>) -> WorkId {
        self.place(instance, activity, status, source, None)
    }

    /// A token in the activity, past its join.
    pub(crate) fn place_anew(&mut self, instance: InstanceId, activity: &str) {
        let seq = self.place_token(instance, activity, WorkStatus::Offered, None);
        self.net.entered.push_back(seq);
    }

    pub(crate) fn place(
        &mut self,
        instance: InstanceId,
        activity: &str,
        status: WorkStatus,
        source: Option<&str>,
        more: Option<Box<WorkMore>>,
    ) -> WorkId {
        let seq: WorkId = self.next_id();
        let item = WorkItem {
            seq,
            instance,
            activity: activity.to_owned(),
            status,
            source: source.map(str::to_owned),
            claimed_by: None,
            entered: self.ctx.now,
            epoch: 0,
            audience: vec![],
            more,
        };
        self.emit(Event::WorkEntered(WorkEntered { item }));
        seq
    }

    pub fn end_work(&mut self, seq: WorkId, status: WorkStatus, outcome: Option<&str>, by: &Login) {
        let (outcome, by) = (outcome.map(str::to_owned), by.to_owned());
        self.emit(Event::WorkEnded(WorkEnded { seq, status, outcome, by, at: self.ctx.now }));
    }

    /// Status and claim; a changed item makes forms drawn from it stale only when `stale`.
    pub fn change_work(&mut self, seq: WorkId, status: WorkStatus, claimed_by: Option<Login>, stale: bool) {
        let Some(item) = self.snapshot.item(seq) else { return };
        if item.status == status && item.claimed_by == claimed_by && !stale {
            return;
        }
        let (epoch, audience) = (item.epoch + u32::from(stale), item.audience.clone());
        self.emit(Event::WorkChanged(WorkChanged { seq, status, claimed_by, epoch, audience }));
    }

    /// What the work item has beside the rest becomes this.
    pub fn note_work(&mut self, seq: WorkId, more: WorkMore) {
        self.emit(Event::WorkNoted(WorkNoted { seq, more: Box::new(more) }));
    }

    /// What the instance has beside the rest becomes this.
    pub(crate) fn note_instance(&mut self, seq: InstanceId, more: InstanceMore) {
        self.emit(Event::InstanceNoted(InstanceNoted { seq, more: Box::new(more) }));
    }

    /// Sets or unsets a value of the process.
    pub fn set_data(&mut self, instance: InstanceId, name: &str, datum: Option<Datum>) {
        let Some(mut more) = self.snapshot.instance(instance).map(|i| i.more()) else { return };
        if more.data.get(name) == datum.as_ref() {
            return;
        }
        message::put(&mut more.data, name, datum);
        self.note_instance(instance, more);
    }

    /// `end: name` cancels all other tokens of the instance and gives it that outcome (C7).
    pub fn end_instance(&mut self, instance: InstanceId, outcome: &str) {
        self.withdraw_those(|w| w.instance == instance);
        self.instance_ended(instance, outcome);
    }

    fn instance_ended(&mut self, instance: InstanceId, outcome: &str) {
        if self.snapshot.instance(instance).is_some_and(|i| i.more.as_ref().is_some_and(|m| m.parent.is_some())) {
            self.net.ended.push(instance);
        }
        self.emit(Event::InstanceEnded(InstanceEnded { seq: instance, outcome: outcome.to_owned(), at: self.ctx.now }));
    }

    /// Takes a token away, and what runs because of it: nothing follows (C12).
    pub fn withdraw(&mut self, seq: WorkId) {
        let Some(item) = self.snapshot.item(seq).filter(|w| w.status.is_open()).cloned() else { return };
        self.end_work(seq, WorkStatus::Cancelled, None, &SYSTEM);
        self.withdraw_within(&item);
    }

    /// Its copies, and its sub-process.
    pub(crate) fn withdraw_within(&mut self, item: &WorkItem) {
        self.withdraw_copies(item.seq);
        if let Some(child) = item.child() {
            self.cancel_child(child);
        }
    }

    /// The copies of a token that are under way.
    pub(crate) fn withdraw_copies(&mut self, of: WorkId) {
        self.withdraw_those(|w| w.copy().is_some_and(|c| c.of == of));
    }

    /// Every open one of which this holds.
    pub(crate) fn withdraw_those(&mut self, meant: impl Fn(&WorkItem) -> bool) {
        let meant: Vec<WorkId> = self.snapshot.open_work().filter(|w| meant(w)).map(|w| w.seq).collect();
        meant.into_iter().for_each(|seq| self.withdraw(seq));
    }

    /// At rest: instances without a token are over, however the last one went. True when one was.
    pub(crate) fn end_idle(&mut self) -> bool {
        let busy = |seq: InstanceId| self.snapshot.open_work().any(|w| w.instance == seq);
        let idle = self.snapshot.instances.iter().filter(|i| i.outcome.is_none() && !busy(i.seq));
        let idle: Vec<InstanceId> = idle.map(|i| i.seq).collect();
        idle.iter().for_each(|seq| self.end_instance_if_idle(*seq));
        !idle.is_empty()
    }

    pub fn end_instance_if_idle(&mut self, instance: InstanceId) {
        let running = self.snapshot.instance(instance).is_some_and(|i| i.outcome.is_none());
        if running && !self.snapshot.open_work().any(|w| w.instance == instance) {
            self.instance_ended(instance, "done");
        }
    }
}
