//! The net at work: tokens, branches, automatic chains (C1 to C7, C11).

use crate::execution::at::At;
use crate::execution::context::Context;
use crate::execution::decision::{Decision, Reach, Remark};
use crate::rules::failure::Failure;
use crate::rules::scope::TicketScope;
use crate::state::apply::apply;
use crate::state::attachment::Blob;
use crate::state::event::{Event, LinkAdded};
use crate::state::happening::Happening;
use crate::state::ids::Seq;
use crate::state::snapshot::{Instance, Snapshot, Ticket};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use vorgang_definitions::cel::expr::Expr;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::model::{Model, ProcessModel};
use vorgang_definitions::source::Span;

impl Run<'_> {
    /// Another ticket, as this command leaves it so far.
    pub fn other(&self, number: &str) -> Option<&Snapshot> {
        let made = self.made.iter().rev().find_map(|d| d.last(number));
        let before = || self.ctx.so_far.and_then(|d| d.last(number));
        made.or_else(before).or_else(|| self.ctx.facts.other(number).map(|o| &o.snapshot))
    }
}

/// Steps that one command may run by itself (C4).
pub const STEPS_MAX: usize = 1_000;

/// One command under way: the working snapshot, and the events so far.
pub struct Run<'a> {
    pub model: &'a Model,
    pub ctx: &'a Context<'a>,
    pub snapshot: Snapshot,
    pub stored: Option<&'a Ticket>,
    pub events: Vec<Event>,
    pub blobs: Vec<Blob>,
    pub notice: Option<Remark>,
    /// Tokens that entered an activity and have not begun there.
    pub(crate) entered: VecDeque<Seq>,
    /// Sub-processes that have ended, and whose parents do not know it yet.
    pub(crate) ended: Vec<Seq>,
    pub(crate) steps: usize,
    pub(crate) chain: Vec<String>,
    pub(crate) life_depth: usize,
    /// Ways out of activities that are under way: only the outermost looks whether anything is left.
    pub(crate) leaving: usize,
    /// The state that is set is that of a merged ticket, whose other one is known.
    pub(crate) merging: bool,
    pub(crate) had_timers: bool,
    pub(crate) had_calls: Vec<Seq>,
    /// Events that were looked at for what they set off.
    pub(crate) looked: usize,
    /// What happened, and handlers have not seen.
    pub(crate) happened: Vec<Happening>,
    /// What the handler that runs is there for.
    pub(crate) happening: Option<Arc<Happening>>,
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
    pub(crate) closed_by: Option<Seq>,
}

/// Where to come back to when a savepoint is rolled back.
pub struct Savepoint {
    pub(crate) snapshot: Snapshot,
    pub(crate) events: usize,
    pub(crate) looked: usize,
    pub(crate) happened: usize,
    pub(crate) made: usize,
    pub(crate) reach: usize,
    pub(crate) closed_by: Option<Seq>,
    pub(crate) entered: VecDeque<Seq>,
    pub(crate) ended: Vec<Seq>,
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

    pub fn emit(&mut self, event: Event) {
        self.happens(&event);
        self.record(event);
    }

    /// Two tickets are linked once in one way.
    pub fn link(&mut self, other: i64, number: String, kind: impl Into<String>) {
        self.emit(Event::LinkAdded(LinkAdded { other, number, kind: kind.into(), at: self.ctx.now }));
    }

    /// Keeps for handlers what the event means, where there is one for it.
    pub(crate) fn happens(&mut self, event: &Event) {
        let Some(name) = event.name_for_handlers(&self.snapshot) else { return };
        let local = |i: &Instance| self.model.process_by_hash(&i.hash).is_some_and(|p| p.handled.contains(&*name));
        let model = self.model;
        if model.site_listens(&name) || self.snapshot.instances.iter().any(local) {
            let happening = Happening::new(name.into_owned(), event, &self.snapshot, &self.ctx.actor.login);
            self.happened.push(happening);
        }
    }

    /// An event that no handler sees: it only says again what was.
    pub(crate) fn record(&mut self, event: Event) {
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

    pub fn scope(&self, at: At) -> TicketScope<'_> {
        TicketScope {
            names: &self.model.names,
            snapshot: &self.snapshot,
            stored: self.stored,
            actor: self.ctx.actor,
            people: self.ctx.people,
            now: self.ctx.now,
            instance: at.instance().and_then(|i| self.snapshot.instance(i)),
            work: at.work().and_then(|w| self.snapshot.item(w)),
            happening: self.happening.as_deref(),
            value: None,
            recipient: None,
            trace: self.ctx.trace,
            items: None,
            named: Some(&self.named),
        }
    }

    pub fn holds(&self, expr: &Expr, at: At) -> Result<bool, Failure> {
        let scope = self.scope(at);
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
}
