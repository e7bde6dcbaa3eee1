//! The result of a command: events, the ticket after them, and decisions about other tickets in the same commit.

use crate::execution::facts::{LookUp, LookUps};
use crate::execution::peer_command::PeerCommand;
use crate::rules::rejection::Rejection;
use crate::state::attachment::Blob;
use crate::state::event::{Event, TicketMade, TurnTaken, WorkChanged};
use crate::state::ids::{CallId, Login, TicketNumber};
use crate::state::snapshot::Snapshot;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A turn of `round_robin` at an activity of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Turn {
    pub place: String,
    pub login: Login,
    /// The holder of the turn when it was decided: a commit that finds another person there is too late.
    pub after: Option<Login>,
}

/// What is to be committed, whole or not at all.
#[derive(Debug, Clone)]
pub struct Decision {
    pub events: Vec<Event>,
    /// The snapshot with the events applied; its version is the one to be.
    pub after: Snapshot,
    pub blobs: Vec<Blob>,
    /// What the person should know beside success.
    pub notice: Option<Remark>,
    /// Whether the ticket had timers before, or got some.
    pub had_timers: bool,
    /// Calls that the ticket had before.
    pub had_calls: Vec<CallId>,
    /// Other tickets that it makes or changes: committed with it, in this order. One that stands here twice changes twice.
    pub made: Vec<Decision>,
    /// What others are still to do; empty once it is decided.
    pub(crate) reach: Vec<Reach>,
    /// Of one within another: what it does, and who.
    pub command: &'static str,
    pub actor: Login,
}

impl Decision {
    /// By itself, where nothing else is changed.
    pub fn plain(events: Vec<Event>, after: Snapshot) -> Self {
        Self {
            events,
            after,
            blobs: vec![],
            notice: None,
            had_timers: true,
            had_calls: vec![],
            made: vec![],
            reach: vec![],
            command: "",
            actor: Login::default(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// Saved on a closed ticket whose queue takes no follow-ups: nobody reads it.
    Rejected,
    /// The ticket is closed: this new one, linked to it, took the message.
    NewTicket(TicketNumber),
    /// Saved, but no branch held: the conditions that were false.
    NoBranch(Vec<String>),
    /// Saved, and something needs a person: the incident's message.
    Incident(String),
    /// A job's condition does not hold for the ticket, or could not be evaluated for this reason.
    NotMeant(Option<String>),
}

/// Work and turns that a command has given to people so far, in all tickets that it changes.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// One for each place.
    pub turns: Vec<Turn>,
    /// Work items by login.
    pub(crate) work: BTreeMap<Login, usize>,
}

impl Given {
    /// Adds what a ticket's events give, and what is given where it makes others, in the order in which it happened.
    pub(crate) fn add(&mut self, events: &[Event], made: &[Decision]) {
        in_order(events, made, &mut |event| {
            take_turn(&mut self.turns, event);
            if let Event::WorkChanged(WorkChanged { claimed_by: Some(by), .. }) = event {
                *self.work.entry(by.clone()).or_default() += 1;
            }
        });
    }
}

/// Visits a ticket's events and those of the tickets that it makes or reaches, in the order in which they happened.
fn in_order(events: &[Event], made: &[Decision], visit: &mut impl FnMut(&Event)) {
    let mut later: Vec<&Decision> = made.iter().collect();
    for event in events {
        visit(event);
        if let Event::TicketMade(TicketMade { number, .. }) = event
            && let Some(at) = later.iter().position(|d| d.after.ticket.number == *number)
        {
            let made = later.remove(at);
            in_order(&made.events, &made.made, visit);
        }
    }
    // Tickets that are only reached come once this one is at rest.
    for reached in later {
        in_order(&reached.events, &reached.made, visit);
    }
}

/// Tickets that these decisions create, with those within.
pub(crate) fn tickets_created(made: &[Decision]) -> usize {
    let creates = |d: &Decision| matches!(d.events.first(), Some(Event::TicketCreated(_)));
    made.iter().map(|d| usize::from(creates(d)) + d.tickets_made()).sum()
}

fn take_turn(turns: &mut Vec<Turn>, event: &Event) {
    let Event::TurnTaken(TurnTaken { place, person, after }) = event else { return };
    match turns.iter_mut().find(|t| t.place == *place) {
        Some(turn) => turn.login.clone_from(person),
        None => turns.push(Turn { place: place.clone(), login: person.clone(), after: after.clone() }),
    }
}

/// The answer of [`crate::decide`].
#[derive(Debug, Clone)]
pub enum Answer {
    Decided(Box<Decision>),
    Refused(Rejection),
    /// Nothing is decided yet: the command is decided again with the answers to these questions.
    Needs(LookUps),
}

impl Answer {
    /// The decision or the refusal; the questions where it is neither yet.
    pub fn known(self) -> Result<Result<Decision, Rejection>, LookUps> {
        match self {
            Self::Decided(decision) => Ok(Ok(*decision)),
            Self::Refused(rejection) => Ok(Err(rejection)),
            Self::Needs(look_ups) => Err(look_ups),
        }
    }

    /// The decision; `None` for a refusal and for questions.
    pub fn decided(self) -> Option<Decision> {
        self.known().ok()?.ok()
    }
}

/// The reason for which no decision comes of a command.
#[derive(Debug)]
pub enum Stop {
    Refused(Rejection),
    Needs(LookUps),
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection)
    }
}

impl From<LookUp> for Stop {
    fn from(look_up: LookUp) -> Self {
        Self::Needs([look_up].into())
    }
}

impl From<Result<Decision, Stop>> for Answer {
    fn from(result: Result<Decision, Stop>) -> Self {
        match result {
            Ok(decision) => Self::Decided(Box::new(decision)),
            Err(Stop::Refused(rejection)) => Self::Refused(rejection),
            Err(Stop::Needs(look_ups)) => Self::Needs(look_ups),
        }
    }
}

impl Decision {
    /// Tickets that were created with this one.
    pub fn tickets_made(&self) -> usize {
        tickets_created(&self.made)
    }

    pub fn given(&self) -> Given {
        let mut given = Given::default();
        given.add(&self.events, &self.made);
        given
    }

    /// The turns of the whole command: the first that was found at each place, and the last that was taken.
    pub fn turns(&self) -> Vec<Turn> {
        let mut turns = vec![];
        in_order(&self.events, &self.made, &mut |event| take_turn(&mut turns, event));
        turns
    }
}

/// A command to another ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Reach {
    /// The ticket that is to do it, by its number.
    pub number: TicketNumber,
    pub command: PeerCommand,
}

impl Decision {
    /// Numbers of the tickets that are there already and are changed with this one.
    pub fn changes_others(&self) -> Vec<TicketNumber> {
        let mut all = vec![];
        let mut new = BTreeSet::new();
        self.gather_others(&mut all, &mut new);
        all.retain(|n| !new.contains(n) && *n != self.after.ticket.number);
        all
    }

    fn gather_others(&self, all: &mut Vec<TicketNumber>, new: &mut BTreeSet<TicketNumber>) {
        for made in &self.made {
            let number = made.after.ticket.number.clone();
            match made.events.first() {
                Some(Event::TicketCreated(_)) => drop(new.insert(number)),
                _ => all.push(number),
            }
            made.gather_others(all, new);
        }
    }

    /// The ticket as it is after this, where it is changed.
    pub fn last(&self, number: &TicketNumber) -> Option<&Snapshot> {
        let own = || (self.after.ticket.number == number).then_some(&self.after);
        self.made.iter().rev().find_map(|d| d.last(number)).or_else(own)
    }
}
