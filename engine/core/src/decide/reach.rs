//! What happens to other tickets in the same commit. Each is decided by itself, one after the other, once the ticket
//! before it is at rest; so tickets that reach each other in a circle come to an end or to the bound.

use super::run::{Failure, Run};
use super::{Decision, change};
use crate::command::{Command, Context};
use crate::event::Event;
use crate::rejection::Rejection;
use crate::snapshot::{Retry, Snapshot};
use std::collections::{BTreeSet, VecDeque};
use vorgang_definitions::model::Model;

/// Tickets that one command may reach, those counted twice that are reached twice.
pub const REACH_MAX: usize = 100;

/// A command to another ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Reach {
    /// The ticket that is to do it, by its number.
    pub number: String,
    pub command: Command,
}

/// Decides what was reached, and what that reaches in turn.
pub fn settle(model: &Model, decision: &mut Decision, ctx: &Context) -> Result<(), Rejection> {
    let mut queue: VecDeque<(String, Reach)> = taken(decision).into();
    for _ in 0..REACH_MAX {
        let Some((from, reach)) = queue.pop_front() else { return Ok(()) };
        // What is not known is asked for, and all is decided again.
        let Some(before) = current(decision, &reach.number, ctx) else { continue };
        match one(model, &before, &reach.command, decision, ctx) {
            Ok(mut next) => {
                queue.extend(taken(&mut next));
                if !next.events.is_empty() {
                    decision.made.push(next);
                }
            }
            Err(refused) => incident(model, decision, &from, refused.say("en"), ctx),
        }
    }
    // What is left is not done: each ticket that wanted it says so.
    let wanted: BTreeSet<String> = queue.into_iter().map(|(from, _)| from).collect();
    for from in wanted {
        incident(model, decision, &from, format!("more than {REACH_MAX} tickets would be changed at once"), ctx);
    }
    Ok(())
}

fn one(model: &Model, before: &Snapshot, command: &Command, so_far: &Decision, ctx: &Context) -> Result<Decision, Rejection> {
    let ctx =
        Context { new_ticket: None, changed_since: None, so_far: Some(so_far), given: so_far.given(), depth: ctx.depth + 1, ..ctx.clone() };
    let decided = change(model, before, command, &ctx)?;
    Ok(Decision { command: command.word(), ..decided })
}

/// The ticket whose wish could not be fulfilled says so.
fn incident(model: &Model, decision: &mut Decision, from: &str, message: String, ctx: &Context) {
    let Some(before) = current(decision, from, ctx) else { return };
    let command = Command::Raise { failure: Failure::new("reach", message), retry: Retry::Nothing };
    if let Ok(mut raised) = one(model, &before, &command, decision, ctx) {
        raised.reach.clear();
        decision.made.push(raised);
    }
}

/// What the decision and those within it want of others, each with the number of the ticket that wants it.
fn taken(decision: &mut Decision) -> Vec<(String, Reach)> {
    if decision.reach.is_empty() && decision.made.is_empty() {
        return vec![];
    }
    let from = decision.after.ticket.number.clone();
    let mut all: Vec<_> = std::mem::take(&mut decision.reach).into_iter().map(|r| (from.clone(), r)).collect();
    decision.made.iter_mut().for_each(|d| all.extend(taken(d)));
    all
}

/// The ticket as this command leaves it so far.
fn current(decision: &Decision, number: &str, ctx: &Context) -> Option<Snapshot> {
    match decision.last(number) {
        Some(after) => Some(after.clone().compact()),
        None => ctx.facts.other(number).map(|o| o.snapshot.clone()),
    }
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
                Some(Event::TicketCreated { .. }) => drop(new.insert(number)),
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

impl Run<'_> {
    /// Another ticket, as this command leaves it so far.
    pub fn other(&self, number: &str) -> Option<&Snapshot> {
        let made = self.made.iter().rev().find_map(|d| d.last(number));
        let before = || self.ctx.so_far.and_then(|d| d.last(number));
        made.or_else(before).or_else(|| self.ctx.facts.other(number).map(|o| &o.snapshot))
    }
}
