//! One command under way: its working copy, what it has set off, and the facts that it lacks.

use crate::execution::at::At;
use crate::execution::context::Context;
use crate::execution::decision::{Decision, Reach, Remark, Stop, tickets_created};
use crate::execution::facts::{LookUp, LookUps};
use crate::rules::failure::Failure;
use crate::rules::rejection::Rejection;
use crate::rules::scope::TicketScope;
use crate::state::apply::apply;
use crate::state::attachment::Blob;
use crate::state::event::{Event, LinkAdded};
use crate::state::happening::Happening;
use crate::state::ids::{CallId, InstanceId, PartId, TicketId, TicketNumber, WorkId};
use crate::state::snapshot::{Instance, Snapshot, Ticket};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use vorgang_definitions::cel::expr::Expr;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::model::{Model, ProcessModel};
use vorgang_definitions::source::Span;

/// Steps that one command may run by itself (C4).
pub const STEPS_MAX: usize = 1_000;

/// One command under way: the working copy of its ticket, and everything that comes of the command so far.
pub struct Run<'a> {
    pub model: &'a Model,
    pub ctx: &'a Context<'a>,
    /// The ticket before the command; `None` while it is created.
    pub stored: Option<&'a Ticket>,
    before: Before,
    pub snapshot: Snapshot,
    pub events: Vec<Event>,
    pub blobs: Vec<Blob>,
    pub notice: Option<Remark>,
    pub(crate) net: NetState,
    pub(crate) reactions: Reactions,
    /// Tickets that were made by what happens, each a decision of its own in the same commit.
    pub made: Vec<Decision>,
    /// Commands to other tickets in the same commit.
    pub reach: Vec<Reach>,
    /// Names that actions gave to what they made.
    pub named: BTreeMap<String, Value>,
    pub(crate) chain: Chain,
    /// Facts that are missing: see [`Run::known`].
    needs: LookUps,
}

/// Parts of the ticket before the command of which rows may have to be deleted.
struct Before {
    had_timers: bool,
    had_calls: Vec<CallId>,
}

/// Work of the net that is not done yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct NetState {
    /// Tokens that entered an activity and have not begun there.
    pub entered: VecDeque<WorkId>,
    /// Sub-processes that have ended, and whose parents do not know it yet.
    pub ended: Vec<InstanceId>,
    /// Changes of state that set each other off.
    pub life_depth: usize,
    /// Ways out of activities that are under way: only the outermost looks whether anything is left.
    pub leaving: usize,
    /// The state that is set is that of a merged ticket, whose other one is known.
    pub merging: bool,
    /// The instance whose own actions closed the ticket.
    pub closed_by: Option<InstanceId>,
}

/// Events that handlers and watching activities have to see.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reactions {
    /// How many events were looked at by activities that watch for changes.
    pub looked: usize,
    /// Happenings that handlers have not seen.
    pub happened: Vec<Arc<Happening>>,
    /// The happening that the running handler is there for.
    pub happening: Option<Arc<Happening>>,
    /// The first form of a new ticket is not there yet: handlers wait for it.
    pub early: bool,
    /// How many messages set each other off until here.
    pub hops: u32,
}

/// Steps without a person, counted against [`STEPS_MAX`]. What is rolled back counts too.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    pub steps: usize,
    /// Names of activities, jobs and handlers, in the order in which they ran.
    pub names: Vec<String>,
}

impl Chain {
    pub fn is_too_long(&self) -> bool {
        self.steps > STEPS_MAX
    }

    pub fn step(&mut self, name: String) {
        self.steps += 1;
        self.names.push(name);
    }
}

/// The state of a run to which it can be rolled back.
pub struct Savepoint {
    snapshot: Snapshot,
    pub(crate) events: usize,
    blobs: usize,
    notice: Option<Remark>,
    net: NetState,
    reactions: Reactions,
    pub(crate) made: usize,
    pub(crate) reach: usize,
    named: BTreeMap<String, Value>,
}

impl<'a> Run<'a> {
    pub fn new(model: &'a Model, snapshot: Snapshot, stored: Option<&'a Ticket>, ctx: &'a Context<'a>) -> Self {
        let had_timers = !snapshot.timers.is_empty();
        let had_calls = snapshot.calls.iter().map(|c| c.seq).collect();
        Self {
            model,
            ctx,
            stored,
            before: Before { had_timers, had_calls },
            snapshot,
            events: vec![],
            blobs: vec![],
            notice: None,
            net: NetState::default(),
            reactions: Reactions::default(),
            made: vec![],
            reach: vec![],
            named: BTreeMap::new(),
            chain: Chain::default(),
            needs: LookUps::new(),
        }
    }

    pub fn emit(&mut self, event: Event) {
        self.happens(&event);
        self.record(event);
    }

    /// Two tickets are linked once in one way.
    pub fn link(&mut self, other: TicketId, number: TicketNumber, kind: impl Into<String>) {
        self.emit(Event::LinkAdded(LinkAdded { other, number, kind: kind.into(), at: self.ctx.now }));
    }

    /// Keeps for handlers what the event means, where there is one for it.
    pub(crate) fn happens(&mut self, event: &Event) {
        let Some(name) = event.name_for_handlers(&self.snapshot) else { return };
        let local = |i: &Instance| self.model.process_by_hash(&i.hash).is_some_and(|p| p.handled.contains(&*name));
        let model = self.model;
        if model.site_listens(&name) || self.snapshot.instances.iter().any(local) {
            let happening = Happening::new(name.into_owned(), event, &self.snapshot, &self.ctx.actor.login);
            self.reactions.happened.push(Arc::new(happening));
        }
    }

    /// An event that no handler sees: it only says again what was.
    pub(crate) fn record(&mut self, event: Event) {
        apply(&mut self.snapshot, &event);
        self.events.push(event);
    }

    /// The id of the part that the next event adds.
    pub fn next_id<T: PartId>(&self) -> T {
        T::from_seq(self.snapshot.last_seq + 1)
    }

    /// The mail account that the ticket's queue writes from.
    pub fn mail_account(&self) -> Option<String> {
        self.model.names.account_of(&self.snapshot.ticket.queue).map(|a| a.name.to_string())
    }

    /// Everything that came of the command; the questions where a fact is missing.
    pub fn decision(mut self) -> Result<Decision, Stop> {
        if !self.needs.is_empty() {
            return Err(Stop::Needs(self.needs));
        }
        self.snapshot.version += 1;
        Arc::make_mut(&mut self.snapshot.ticket).updated = self.ctx.now;
        let had_timers = self.before.had_timers || !self.snapshot.timers.is_empty();
        Ok(Decision {
            events: self.events,
            after: self.snapshot,
            blobs: self.blobs,
            notice: self.notice,
            had_timers,
            had_calls: self.before.had_calls,
            made: self.made,
            reach: self.reach,
            command: "create_ticket",
            actor: self.ctx.actor.login.clone(),
        })
    }

    pub fn savepoint(&self) -> Savepoint {
        // Every field is named: a new one does not compile until it is decided whether it is rolled back.
        let Self {
            model: _,
            ctx: _,
            stored: _,
            before: _,
            chain: _,
            needs: _,
            snapshot,
            events,
            blobs,
            notice,
            net,
            reactions,
            made,
            reach,
            named,
        } = self;
        Savepoint {
            snapshot: snapshot.clone(),
            events: events.len(),
            blobs: blobs.len(),
            notice: notice.clone(),
            net: net.clone(),
            reactions: reactions.clone(),
            made: made.len(),
            reach: reach.len(),
            named: named.clone(),
        }
    }

    pub fn roll_back(&mut self, to: Savepoint) {
        let Savepoint { snapshot, events, blobs, notice, net, reactions, made, reach, named } = to;
        self.snapshot = snapshot;
        self.events.truncate(events);
        self.blobs.truncate(blobs);
        self.notice = notice;
        self.net = net;
        self.reactions = reactions;
        self.made.truncate(made);
        self.reach.truncate(reach);
        self.named = named;
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
            happening: self.reactions.happening.as_deref(),
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
        self.ctx.trace.iter().for_each(|t| t.asked(expr.span(), held));
        Ok(held)
    }

    /// Notes that something of the definitions was done.
    pub fn ran(&self, at: Span) {
        self.ctx.trace.iter().for_each(|t| t.ran(at));
    }

    pub fn process_of(&self, instance: InstanceId) -> Option<Arc<ProcessModel>> {
        self.snapshot.instance(instance).and_then(|i| self.model.process_by_hash(&i.hash)).cloned()
    }
}

impl Run<'_> {
    /// The fact, or `None` where it has to be looked up: then nothing that this run does counts, and the command is
    /// decided again.
    pub(crate) fn known<T>(&mut self, fact: Result<T, LookUp>) -> Option<T> {
        match fact {
            Ok(fact) => Some(fact),
            Err(look_up) => {
                self.needs.insert(look_up);
                None
            }
        }
    }

    /// A fact is missing: nothing is to be done any more.
    pub(crate) fn is_void(&self) -> bool {
        !self.needs.is_empty()
    }

    /// Another ticket, as this command leaves it so far.
    pub fn other(&mut self, number: &TicketNumber) -> Option<Arc<Snapshot>> {
        let made = self.made.iter().rev().find_map(|d| d.last(number));
        match made.or_else(|| self.ctx.so_far.and_then(|d| d.last(number))) {
            Some(snapshot) => Some(Arc::new(snapshot.clone())),
            None => self.known(self.ctx.facts.other(number)).flatten(),
        }
    }

    /// Id and number for a ticket that this one makes; `None` beyond the limit, or where a number has to be looked up.
    pub fn new_number(&mut self) -> Option<(TicketId, TicketNumber)> {
        let taken = self.numbers_taken();
        self.known(self.ctx.facts.number(taken)).flatten()
    }

    /// The refusal for which no decision came of a command within this one; `None` where a fact is missing.
    fn refusal(&mut self, stop: Stop) -> Option<Rejection> {
        match stop {
            Stop::Refused(rejection) => Some(rejection),
            Stop::Needs(look_ups) => {
                self.needs.extend(look_ups);
                None
            }
        }
    }

    /// The failure of an action whose ticket was not made.
    pub(crate) fn not_made(&mut self, kind: &'static str, stop: Stop) -> Failure {
        let refusal = self.refusal(stop);
        Failure::new(kind, refusal.map_or_else(|| "a fact is missing".to_owned(), |r| r.say("en")))
    }

    /// The number of a second ticket that a person makes; `None` where a fact is missing.
    pub(crate) fn made_by_hand(&mut self, made: Result<TicketNumber, Stop>) -> Result<Option<TicketNumber>, Rejection> {
        made.map(Some).or_else(|stop| self.refusal(stop).map_or(Ok(None), Err))
    }

    /// How many numbers of the facts are taken, those of tickets that this run has made included.
    pub fn numbers_taken(&self) -> usize {
        self.ctx.numbers_taken + tickets_created(&self.made)
    }
}
