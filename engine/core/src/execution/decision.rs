//! The result of a command: events, the ticket after them, and decisions about other tickets in the same commit.

use crate::execution::command::Command;
use crate::state::attachment::Blob;
use crate::state::event::{Event, TicketMade, TurnTaken, WorkChanged};
use crate::state::ids::Seq;
use crate::state::snapshot::Snapshot;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A turn of `round_robin` at an activity of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Turn {
    pub place: String,
    pub login: String,
    /// The holder of the turn when it was decided: a commit that finds another person there is too late.
    pub after: Option<String>,
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
    pub had_calls: Vec<Seq>,
    /// Other tickets that it makes or changes: committed with it, in this order. One that stands here twice changes twice.
    pub made: Vec<Decision>,
    /// What others are still to do; empty once it is decided.
    pub(crate) reach: Vec<Reach>,
    /// Of one within another: what it does, and who.
    pub command: &'static str,
    pub actor: String,
}

impl Decision {
    /// By itself, where nothing else is changed.
    pub fn of(events: Vec<Event>, after: Snapshot) -> Self {
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
            actor: String::new(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// Saved on a closed ticket whose queue takes no follow-ups: nobody reads it.
    Rejected,
    /// The ticket is closed: this new one, linked to it, took the message.
    NewTicket(String),
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
    pub(crate) work: BTreeMap<String, usize>,
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

fn take_turn(turns: &mut Vec<Turn>, event: &Event) {
    let Event::TurnTaken(TurnTaken { place, person, after }) = event else { return };
    match turns.iter_mut().find(|t| t.place == *place) {
        Some(turn) => turn.login.clone_from(person),
        None => turns.push(Turn { place: place.clone(), login: person.clone(), after: after.clone() }),
    }
}

impl Decision {
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
    pub number: String,
    pub command: Command,
}

impl Decision {
    /// Numbers of the tickets that are there already and are changed with this one.
    pub fn changes_others(&self) -> Vec<String> {
        let mut all = vec![];
        let mut new = BTreeSet::new();
        self.gather_others(&mut all, &mut new);
        all.retain(|n| !new.contains(n) && *n != self.after.ticket.number);
        all
    }

    fn gather_others(&self, all: &mut Vec<String>, new: &mut BTreeSet<String>) {
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
    pub fn last(&self, number: &str) -> Option<&Snapshot> {
        let own = || (self.after.ticket.number == number).then_some(&self.after);
        self.made.iter().rev().find_map(|d| d.last(number)).or_else(own)
    }
}
