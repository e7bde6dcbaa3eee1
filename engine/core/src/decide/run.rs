//! The net at work: tokens, branches, automatic chains (C1 to C7, C11).

use super::reach::Reach;
use super::{Decision, Notice};
use crate::actions;
use crate::apply::apply;
use crate::command::Context;
use crate::event::{Blob, Event};
use crate::happening::{self, Happening};
use crate::people::SYSTEM;
use crate::rejection::Rejection;
use crate::scope::TicketScope;
use crate::snapshot::{Incident, Instance, Retry, Seq, Snapshot, Ticket, WorkItem, WorkStatus};
use crate::who;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use vorgang_definitions::actions::Action;
use vorgang_definitions::cel::Expr;
use vorgang_definitions::cel::eval::{EvalError, Scope};
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::kinds::process::{Activity, Branch, Next, Split, Target, Transition, WhenClosed};
use vorgang_definitions::model::{Model, ProcessModel};
use vorgang_definitions::source::Span;

/// Steps that one command may run by itself (C4).
pub const STEPS_MAX: usize = 1_000;

/// Why something inside failed: it becomes an incident, never a refusal.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub kind: &'static str,
    pub message: String,
    pub expression: Option<String>,
    pub values: BTreeMap<String, String>,
}

impl Failure {
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), expression: None, values: BTreeMap::new() }
    }

    pub fn of_expression(expr: &Expr, error: &EvalError, scope: &dyn Scope) -> Self {
        let mut failure = Self::new("expression", error.to_string());
        failure.expression = Some(expr.text.trim().to_owned());
        failure.values = expr.program().values(scope);
        failure
    }
}

/// What looking for a branch found.
pub enum Choice<'p> {
    /// Each with the transition that led to it.
    Taken(Vec<Taken<'p>>),
    /// No condition held; these were false.
    None(Vec<String>),
    /// The activity has no `next`.
    Ends,
}

/// A way that is taken.
pub struct Taken<'p> {
    pub transition: Option<&'p Transition>,
    pub targets: Vec<&'p Target>,
}

impl<'p> From<&'p Transition> for Taken<'p> {
    fn from(transition: &'p Transition) -> Self {
        Self { transition: Some(transition), targets: transition.to.iter().collect() }
    }
}

/// One command under way: the working snapshot, and the events so far.
pub struct Run<'a> {
    pub model: &'a Model,
    pub ctx: &'a Context<'a>,
    pub snapshot: Snapshot,
    pub stored: Option<&'a Ticket>,
    pub events: Vec<Event>,
    pub blobs: Vec<Blob>,
    pub notice: Option<Notice>,
    /// Tokens that entered an activity and have not begun there.
    pub(super) entered: VecDeque<Seq>,
    /// Sub-processes that have ended, and whose parents do not know it yet.
    pub(super) ended: Vec<Seq>,
    pub(super) steps: usize,
    pub(super) chain: Vec<String>,
    pub(super) life_depth: usize,
    /// Ways out of activities that are under way: only the outermost looks whether anything is left.
    pub(super) leaving: usize,
    /// The state that is set is that of a merged ticket, whose other one is known.
    pub(super) merging: bool,
    had_timers: bool,
    had_calls: Vec<Seq>,
    /// Events that were looked at for what they set off.
    pub(super) looked: usize,
    /// What happened, and handlers have not seen.
    pub(super) happened: Vec<Happening>,
    /// What the handler that runs is there for.
    pub(super) happening: Option<Arc<Happening>>,
    /// The first form of a new ticket is not there yet: handlers wait for it.
    pub early: bool,
    /// Tickets that were made by what happens, each a decision of its own in the same commit.
    pub made: Vec<Decision>,
    /// What other tickets are to do in the same commit.
    pub reach: Vec<Reach>,
    /// Names that actions gave to what they made.
    pub named: BTreeMap<String, Value>,
    /// How many messages set each other off until here.
    pub(crate) hops: u32,
    /// Instances whose own actions closed the ticket.
    pub(super) closed_by: Option<Seq>,
}

/// Where to come back to when a savepoint is rolled back.
pub struct Savepoint {
    snapshot: Snapshot,
    events: usize,
    looked: usize,
    happened: usize,
    made: usize,
    reach: usize,
    closed_by: Option<Seq>,
    entered: VecDeque<Seq>,
    ended: Vec<Seq>,
}

impl<'a> Run<'a> {
    pub fn new(model: &'a Model, snapshot: Snapshot, stored: Option<&'a Ticket>, ctx: &'a Context<'a>) -> Self {
        let had_timers = !snapshot.timers.is_empty();
        let had_calls = snapshot.calls.iter().map(|c| c.seq).collect();
        Self {
            model,
            ctx,
            snapshot,
            stored,
            events: vec![],
            blobs: vec![],
            notice: None,
            entered: VecDeque::new(),
            ended: vec![],
            steps: 0,
            chain: vec![],
            life_depth: 0,
            leaving: 0,
            merging: false,
            had_timers,
            had_calls,
            looked: 0,
            happened: vec![],
            happening: None,
            early: false,
            made: vec![],
            reach: vec![],
            named: BTreeMap::new(),
            hops: 0,
            closed_by: None,
        }
    }

    /// Runs to rest and hands over the decision.
    pub fn finish(mut self) -> Result<Decision, Rejection> {
        self.early = false;
        self.rest();
        while self.close_instances()? || self.settle_incidents() {
            self.rest();
        }
        super::family::tell_parents(&mut self);
        super::timer::follow_pending(&mut self);
        if let Err(failure) = super::timer::follow_owner(&mut self) {
            self.raise(failure, None, Retry::Nothing);
        }
        self.refresh_audiences();
        self.snapshot.version += 1;
        Arc::make_mut(&mut self.snapshot.ticket).updated = self.ctx.now;
        let had_timers = self.had_timers || !self.snapshot.timers.is_empty();
        Ok(Decision {
            events: self.events,
            after: self.snapshot,
            blobs: self.blobs,
            notice: self.notice,
            had_timers,
            had_calls: self.had_calls,
            made: self.made,
            reach: self.reach,
            command: "create_ticket",
            actor: self.ctx.actor.login.clone(),
        })
    }

    pub fn emit(&mut self, event: Event) {
        self.happens(&event);
        self.record(event);
    }

    /// Two tickets are linked once in one way.
    pub fn link(&mut self, other: i64, number: String, kind: impl Into<String>) {
        self.emit(Event::LinkAdded { other, number, kind: kind.into(), at: self.ctx.now });
    }

    /// Keeps for handlers what the event means, where there is one for it.
    pub(super) fn happens(&mut self, event: &Event) {
        let Some(name) = happening::name(event, &self.snapshot) else { return };
        let local = |i: &Instance| self.model.process_by_hash(&i.hash).is_some_and(|p| p.handled.contains(&*name));
        let model = self.model;
        if model.site_listens(&name) || self.snapshot.instances.iter().any(local) {
            let happening = Happening::new(name.into_owned(), event, &self.snapshot, &self.ctx.actor.login);
            self.happened.push(happening);
        }
    }

    /// An event that no handler sees: it only says again what was.
    pub(super) fn record(&mut self, event: Event) {
        apply(&mut self.snapshot, &event);
        self.events.push(event);
    }

    pub fn next_seq(&self) -> Seq {
        self.snapshot.last_seq + 1
    }

    /// The mail account that the ticket's queue writes from.
    pub fn mail_account(&self) -> Option<String> {
        self.model.names.account_of(&self.snapshot.ticket.queue).map(|a| a.name.to_string())
    }

    pub fn savepoint(&self) -> Savepoint {
        Savepoint {
            snapshot: self.snapshot.clone(),
            events: self.events.len(),
            looked: self.looked,
            happened: self.happened.len(),
            made: self.made.len(),
            reach: self.reach.len(),
            closed_by: self.closed_by,
            entered: self.entered.clone(),
            ended: self.ended.clone(),
        }
    }

    pub fn roll_back(&mut self, to: Savepoint) {
        self.snapshot = to.snapshot;
        self.events.truncate(to.events);
        self.looked = to.looked.min(to.events);
        self.happened.truncate(to.happened);
        self.made.truncate(to.made);
        self.reach.truncate(to.reach);
        self.closed_by = to.closed_by;
        self.entered = to.entered;
        self.ended = to.ended;
    }

    pub fn scope(&self, instance: Option<Seq>, work: Option<Seq>) -> TicketScope<'_> {
        TicketScope {
            names: &self.model.names,
            snapshot: &self.snapshot,
            stored: self.stored,
            actor: self.ctx.actor,
            people: self.ctx.people,
            now: self.ctx.now,
            instance: instance.and_then(|i| self.snapshot.instance(i)),
            work: work.and_then(|w| self.snapshot.item(w)),
            happening: self.happening.as_deref(),
            value: None,
            recipient: None,
            trace: self.ctx.trace,
            items: None,
            named: Some(&self.named),
        }
    }

    pub fn holds(&self, expr: &Expr, instance: Option<Seq>, work: Option<Seq>) -> Result<bool, Failure> {
        let scope = self.scope(instance, work);
        let held = expr.program().holds(&scope).map_err(|e| Failure::of_expression(expr, &e, &scope))?;
        self.ctx.trace.iter().for_each(|t| t.asked(expr.span, held));
        Ok(held)
    }

    /// Notes that something of the definitions was done.
    pub fn ran(&self, at: Span) {
        self.ctx.trace.iter().for_each(|t| t.ran(at));
    }

    pub fn process_of(&self, instance: Seq) -> Option<Arc<ProcessModel>> {
        self.snapshot.instance(instance).and_then(|i| self.model.process_by_hash(&i.hash)).cloned()
    }

    // --- actions ---------------------------------------------------------------------------------------------------

    /// Runs actions in their order; the caller holds the savepoint.
    pub fn actions(&mut self, list: &[Action], instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
        list.iter().try_for_each(|action| self.action(action, instance, work))
    }

    pub fn action(&mut self, action: &Action, instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
        if let Some(when) = &action.when
            && !self.holds(when, instance, work)?
        {
            return Ok(());
        }
        self.ran(action.at);
        let savepoint = action.on_error.as_ref().map(|_| self.savepoint());
        if let Err(failure) = actions::run(self, action, instance, work) {
            let (Some(others), Some(savepoint)) = (&action.on_error, savepoint) else { return Err(failure) };
            self.roll_back(savepoint);
            self.actions(others, instance, work)?;
        }
        Ok(())
    }

    pub fn again(&mut self, seq: Seq) {
        self.entered.push_back(seq);
    }

    /// Runs what goes on by itself, and looks again at what waits for changes, until nothing more happens (C4).
    pub fn rest(&mut self) {
        loop {
            self.run_entered();
            if !self.look()
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
        while let Some(seq) = self.entered.pop_front() {
            let Some(item) = self.snapshot.item(seq).cloned().filter(|w| w.status.is_open()) else { continue };
            self.steps += 1;
            self.chain.push(item.activity.clone());
            if self.steps > STEPS_MAX || self.entered.len() > STEPS_MAX {
                // One incident with the chain; the other tokens wait where they are, and its retry takes them up.
                let failure = Failure::new("loop", format!("more than {STEPS_MAX} steps without a person"));
                let others: Vec<Seq> = self.entered.drain(..).collect();
                for other in others {
                    self.change_work(other, WorkStatus::Failed, None, false);
                }
                self.fail(seq, failure, Retry::EnterAll);
                return;
            }
            self.begin(&item);
        }
    }

    /// Completes an activity with an outcome: the branch is chosen, its `do` runs, its tokens are placed.
    ///
    /// `Ok(Some(conditions))` when no branch held: nothing has moved, everything since the call is rolled back.
    pub fn complete(&mut self, seq: Seq, outcome: &str, by: &str) -> Result<Option<Vec<String>>, Failure> {
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
    pub(super) fn skip(&mut self, item: &WorkItem, activity: &Activity, outcome: &str, by: &str) -> Result<Option<Vec<String>>, Failure> {
        let savepoint = self.savepoint();
        self.end_work(item.seq, WorkStatus::Done, Some(outcome), by);
        self.record(Event::StepUndone { instance: item.instance, activity: item.activity.clone() });
        self.go(item, activity, |run| run.way(item, activity, outcome), savepoint)
    }

    /// What the activity's `next` says to the outcome.
    fn way<'p>(&self, item: &WorkItem, activity: &'p Activity, outcome: &str) -> Result<Choice<'p>, Failure> {
        let branch = match &activity.next {
            None => return Ok(Choice::Ends),
            Some(Next::Branch(branch)) => branch,
            Some(Next::Outcomes(map)) => match map.iter().find(|(o, _)| *o == outcome) {
                Some((_, branch)) => branch,
                None => return Err(Failure::new("definition", format!("`next` has no branch for `{outcome}`"))),
            },
        };
        self.choose((item.instance, Some(item.seq)), branch, activity.split.unwrap_or(Split::First))
    }

    /// As [`Run::complete`], on a way of its own: a timer's.
    pub fn complete_on(&mut self, seq: Seq, outcome: &str, branch: &Branch) -> Result<Option<Vec<String>>, Failure> {
        let Some(item) = self.snapshot.item(seq).filter(|w| w.status.is_open()).cloned() else { return Ok(None) };
        let Some(process) = self.process_of(item.instance) else { return Ok(None) };
        let Some(activity) = process.def.activities.get(&item.activity) else { return Ok(None) };
        self.leave_early(&item, activity, outcome, |run| run.choose((item.instance, Some(item.seq)), branch, Split::First))
    }

    /// By something other than its completion: what runs within is withdrawn.
    pub(super) fn leave_early<'p>(
        &mut self,
        item: &WorkItem,
        activity: &Activity,
        outcome: &str,
        choose: impl FnOnce(&Self) -> Result<Choice<'p>, Failure>,
    ) -> Result<Option<Vec<String>>, Failure> {
        if item.status != WorkStatus::Running {
            return self.leave(item, activity, outcome, SYSTEM, choose);
        }
        let savepoint = self.savepoint();
        self.withdraw_within(item);
        let left = self.leave(item, activity, outcome, SYSTEM, choose);
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
        by: &str,
        choose: impl FnOnce(&Self) -> Result<Choice<'p>, Failure>,
    ) -> Result<Option<Vec<String>>, Failure> {
        let savepoint = self.savepoint();
        // `steps.SELF` is set when its own `next` is tried.
        self.end_work(item.seq, WorkStatus::Done, Some(outcome), by);
        self.go(item, activity, choose, savepoint)
    }

    /// The token has ended; the savepoint is from before.
    fn go<'p>(
        &mut self,
        item: &WorkItem,
        activity: &Activity,
        choose: impl FnOnce(&Self) -> Result<Choice<'p>, Failure>,
        savepoint: Savepoint,
    ) -> Result<Option<Vec<String>>, Failure> {
        let choice = match choose(self) {
            Ok(choice) => choice,
            Err(failure) => {
                self.roll_back(savepoint);
                return Err(failure);
            }
        };
        self.leaving += 1;
        let taken = self.take(item, activity, choice, savepoint);
        self.leaving -= 1;
        match taken? {
            Some(conditions) => Ok(Some(conditions)),
            None => {
                if self.leaving == 0 {
                    self.end_instance_if_idle(item.instance);
                }
                Ok(None)
            }
        }
    }

    fn take(&mut self, item: &WorkItem, activity: &Activity, choice: Choice, savepoint: Savepoint) -> Result<Option<Vec<String>>, Failure> {
        match choice {
            Choice::None(conditions) => {
                self.roll_back(savepoint);
                return Ok(Some(conditions));
            }
            Choice::Taken(ways) => {
                for Taken { transition, targets } in ways {
                    if let Some(t) = transition
                        && let Err(failure) = self.actions(&t.actions, Some(item.instance), Some(item.seq))
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
            Choice::Ends => {
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
            .filter(|e| !matches!(e, Event::WorkEnded { seq, .. } if *seq == item.seq))
            .cloned()
            .collect();
        let (entered, made, reach) = (self.entered.clone(), self.made.split_off(savepoint.made), self.reach.split_off(savepoint.reach));
        self.roll_back(savepoint);
        for event in kept {
            self.emit(event);
        }
        self.entered = entered;
        self.made.extend(made);
        self.reach.extend(reach);
        self.change_work(item.seq, WorkStatus::Started, item.claimed_by.clone(), true);
    }

    /// Tokens to the targets, in their order.
    pub(super) fn place_all(&mut self, instance: Seq, transition: Option<&Transition>, targets: &[&Target], source: &str) {
        for target in targets.iter().filter_map(|t| t.activity()) {
            for _ in 0..transition.map_or(1, Transition::times) {
                self.steps += 1;
                self.enter(instance, target, Some(source));
            }
        }
    }

    /// The ways that hold, for an instance and where there is one a work item (C6).
    pub(super) fn choose<'p>(&self, at: (Seq, Option<Seq>), branch: &'p Branch, split: Split) -> Result<Choice<'p>, Failure> {
        let tried = match branch {
            Branch::To(target) => return Ok(Choice::Taken(vec![Taken { transition: None, targets: vec![target] }])),
            Branch::Tried(tried) => tried,
        };
        let (mut taken, mut conditions): (Vec<Taken>, Vec<String>) = (vec![], vec![]);
        for transition in tried {
            let holds = match &transition.when {
                Some(when) => self.holds(when, Some(at.0), at.1)?,
                None => !transition.otherwise || taken.is_empty(),
            };
            if holds {
                taken.push(transition.into());
                if split == Split::First {
                    break;
                }
            }
            conditions.extend(transition.when.as_ref().filter(|_| !holds).map(|w| w.text.trim().to_owned()));
        }
        Ok(if taken.is_empty() { Choice::None(conditions) } else { Choice::Taken(taken) })
    }

    /// A ticket that was closed by anything but the instance itself ends its other instances.
    fn close_instances(&mut self) -> Result<bool, Rejection> {
        let was = self.stored.is_some_and(|t| self.model.names.state_type(&t.state).is_final());
        if was || !self.model.names.state_type(&self.snapshot.ticket.state).is_final() {
            return Ok(false);
        }
        if let Some(process) = self.keeps_open(self.closed_by) {
            return Err(Rejection::KeptOpen { process });
        }
        let others = self.others(self.closed_by).filter(|(_, p)| p.def.when_closed() == WhenClosed::Cancel);
        let others: Vec<Seq> = others.map(|(i, _)| i.seq).collect();
        for seq in &others {
            self.end_instance(*seq, "cancelled");
        }
        Ok(!others.is_empty())
    }

    /// A running process, other than this one, that does not let the ticket be closed.
    pub(super) fn keeps_open(&self, by: Option<Seq>) -> Option<String> {
        self.others(by).find(|(_, p)| p.def.when_closed() == WhenClosed::Refuse).map(|(i, _)| i.process.clone())
    }

    fn others(&self, by: Option<Seq>) -> impl Iterator<Item = (&Instance, &Arc<ProcessModel>)> {
        let running = self.snapshot.instances.iter().filter(move |i| i.outcome.is_none() && Some(i.seq) != by);
        running.filter_map(|i| Some((i, self.model.process_by_hash(&i.hash)?)))
    }

    /// An incident whose token has gone on, or was taken away, is over.
    fn settle_incidents(&mut self) -> bool {
        let gone = |work: Seq| self.snapshot.item(work).is_none_or(|w| !w.status.is_open());
        let over = self.snapshot.incidents.iter().filter(|i| i.resolved.is_none() && i.retry.work().is_some_and(gone));
        let over: Vec<Seq> = over.map(|i| i.seq).collect();
        for seq in &over {
            self.emit(Event::IncidentResolved { seq: *seq, at: self.ctx.now });
        }
        !over.is_empty()
    }

    // --- incidents --------------------------------------------------------------------------------------------

    /// The token stays where it is, and an incident says why.
    pub fn fail(&mut self, work: Seq, failure: Failure, retry: Retry) {
        let place =
            self.snapshot.item(work).and_then(|w| self.snapshot.instance(w.instance).map(|i| format!("{} / {}", i.process, w.activity)));
        let claimed = self.snapshot.item(work).and_then(|w| w.claimed_by.clone());
        self.change_work(work, WorkStatus::Failed, claimed, true);
        let name = if failure.kind == "life_cycle" { "violated" } else { "error" };
        self.raise(failure, place, retry);
        if let Some(event @ Event::IncidentRaised { .. }) = self.events.last().cloned() {
            self.exception(name, &event);
        }
    }

    /// Something about one work item did not go as it should.
    pub(super) fn exception(&mut self, name: &str, event: &Event) {
        let happening = Happening::new(name.to_owned(), event, &self.snapshot, &self.ctx.actor.login);
        let heard = |name: &str| self.is_heard(name, happening.instance);
        if heard(name) || (name == "violated" && heard("error")) {
            self.happened.push(happening);
        }
    }

    /// Does anything wait for such an event of this instance?
    pub(super) fn is_heard(&self, name: &str, instance: Option<Seq>) -> bool {
        self.model.site_listens(name) || instance.and_then(|i| self.process_of(i)).is_some_and(|p| p.handled.contains(name))
    }

    pub fn raise(&mut self, failure: Failure, place: Option<String>, retry: Retry) {
        let chain = if failure.kind == "loop" { self.chain.iter().rev().take(20).rev().cloned().collect() } else { vec![] };
        self.notice = Some(Notice::Incident(failure.message.clone()));
        let incident = Incident {
            seq: self.next_seq(),
            kind: failure.kind.to_owned(),
            message: failure.message,
            place,
            expression: failure.expression,
            values: failure.values,
            chain,
            retry,
            raised: self.ctx.now,
            resolved: None,
        };
        self.emit(Event::IncidentRaised { incident });
    }

    // --- lists ------------------------------------------------------------------------------------------------

    /// Work lists find open items by their audience; what changed on the ticket may change it.
    fn refresh_audiences(&mut self) {
        let open: Vec<WorkItem> = self.snapshot.open_work().cloned().collect();
        for item in open {
            let audience = self.audience(&item);
            if audience != item.audience {
                let WorkItem { seq, status, claimed_by, epoch, .. } = item;
                self.emit(Event::WorkChanged { seq, status, claimed_by, epoch, audience });
            }
        }
    }

    fn audience(&self, item: &WorkItem) -> Vec<String> {
        if !matches!(item.status, WorkStatus::Offered | WorkStatus::Started | WorkStatus::Suspended) {
            return vec![];
        }
        if let Some(login) = &item.claimed_by {
            return vec![format!("user:{login}")];
        }
        let Some(process) = self.process_of(item.instance) else { return vec![] };
        let Some(activity) = process.def.activities.get(&item.activity) else { return vec![] };
        let scope = self.scope(Some(item.instance), Some(item.seq));
        let mut keys = vec![];
        for (_, dialog) in activity.dialogs.iter() {
            if let Some(whos) = dialog.who.as_ref().or(activity.assign.as_ref().map(|a| &a.who)) {
                keys.extend(who::audience(whos, &scope));
            }
        }
        if let Some(approval) = &activity.approval {
            keys.extend(who::audience(&approval.of, &scope));
            keys.extend(super::voters::delegations(item).iter().map(|(_, to)| format!("user:{to}")));
            keys.extend(super::voters::substitutes(self, item, approval).iter().map(|login| format!("user:{login}")));
        }
        keys.sort();
        keys.dedup();
        keys
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
