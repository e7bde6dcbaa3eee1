//! `decide`: a command on a snapshot, with a context, becomes events or a refusal. Pure and deterministic.

use crate::commands::{Command, peer};
use crate::execution::context::Context;
use crate::execution::decision::{Answer, Decision, Reach, Stop};
use crate::execution::facts::{LookUp, LookUps};
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::rules::rejection::Rejection;
use crate::rules::rights::{self, Sight};
use crate::state::ids::TicketNumber;
use crate::state::people::PersonKind;
use crate::state::snapshot::{Retry, Snapshot};
use std::collections::{BTreeSet, VecDeque};
use vorgang_definitions::model::Model;

/// The snapshot is `None` for commands that create a ticket.
pub fn decide(model: &Model, snapshot: Option<&Snapshot>, command: &Command, ctx: &Context) -> Answer {
    decided(model, snapshot, command, ctx).into()
}

fn decided(model: &Model, snapshot: Option<&Snapshot>, command: &Command, ctx: &Context) -> Result<Decision, Stop> {
    if !ctx.actor.active || (command.is_internal() && ctx.actor.kind != PersonKind::System) {
        return Err(Rejection::NotFound.into());
    }
    let mut decision = match command.create(model, ctx) {
        Some(created) => created?,
        None => {
            let snapshot = snapshot.ok_or(Rejection::NotFound)?;
            if rights::sight(&model.names, ctx.actor, snapshot) == Sight::Nothing && !matches!(command, Command::RetryIncident(_)) {
                return Err(Rejection::NotFound.into());
            }
            change(model, snapshot, ctx, |run| command.perform(run))?
        }
    };
    let numbers_taken = ctx.numbers_taken + command.numbers();
    settle(model, &mut decision, &Context { numbers_taken, ..ctx.clone() })?;
    Ok(decision)
}

fn change<'a>(
    model: &'a Model,
    snapshot: &'a Snapshot,
    ctx: &'a Context<'a>,
    perform: impl FnOnce(&mut Run) -> Result<(), Rejection>,
) -> Result<Decision, Stop> {
    let mut run = Run::new(model, snapshot.clone(), Some(&snapshot.ticket), ctx);
    let done = perform(&mut run);
    run.conclude(done)
}

/// Tickets that one command may reach, those counted twice that are reached twice.
pub const REACH_MAX: usize = 100;

/// Decides what was reached, and what that reaches in turn.
fn settle(model: &Model, decision: &mut Decision, ctx: &Context) -> Result<(), Stop> {
    let mut queue: VecDeque<(TicketNumber, Reach)> = taken(decision).into();
    all_known(decision, &queue, ctx)?;
    for _ in 0..REACH_MAX {
        let Some((from, reach)) = queue.pop_front() else { return Ok(()) };
        let Some(before) = current(decision, &reach.number, ctx)? else { continue };
        let command = &reach.command;
        match decide_within((model, ctx), &before, decision, command.word(), |run| peer::perform(run, command)) {
            Ok(mut next) => {
                queue.extend(taken(&mut next));
                if !next.events.is_empty() {
                    decision.made.push(next);
                }
                all_known(decision, &queue, ctx)?;
            }
            Err(Stop::Refused(refused)) => incident(model, decision, &from, refused.say("en"), ctx)?,
            Err(needs @ Stop::Needs(_)) => return Err(needs),
        }
    }
    // What is left is not done: each ticket that wanted it says so.
    let wanted: BTreeSet<TicketNumber> = queue.into_iter().map(|(from, _)| from).collect();
    for from in wanted {
        incident(model, decision, &from, format!("more than {REACH_MAX} tickets would be changed at once"), ctx)?;
    }
    Ok(())
}

/// Every ticket that is reached is known; otherwise asks for all that are not.
fn all_known(decision: &Decision, queue: &VecDeque<(TicketNumber, Reach)>, ctx: &Context) -> Result<(), Stop> {
    let unknown = |(_, reach): &(TicketNumber, Reach)| match decision.last(&reach.number) {
        Some(_) => None,
        None => ctx.facts.other(&reach.number).err(),
    };
    let look_ups: LookUps = queue.iter().filter_map(unknown).collect();
    if look_ups.is_empty() { Ok(()) } else { Err(Stop::Needs(look_ups)) }
}

/// Decides a change of another ticket within the decision; `word` is its command in the history.
fn decide_within(
    (model, ctx): (&Model, &Context),
    before: &Snapshot,
    so_far: &Decision,
    word: &'static str,
    perform: impl FnOnce(&mut Run),
) -> Result<Decision, Stop> {
    let numbers_taken = ctx.numbers_taken + so_far.tickets_made();
    let (given, depth) = (so_far.given(), ctx.depth + 1);
    let ctx = Context { new_ticket: None, numbers_taken, so_far: Some(so_far), given, depth, ..ctx.clone() };
    let decided = change(model, before, &ctx, |run| {
        perform(run);
        Ok(())
    })?;
    Ok(Decision { command: word, ..decided })
}

/// The ticket whose wish could not be fulfilled says so.
fn incident(model: &Model, decision: &mut Decision, from: &TicketNumber, message: String, ctx: &Context) -> Result<(), Stop> {
    let Some(before) = current(decision, from, ctx)? else { return Ok(()) };
    let failure = Failure::new("reach", message);
    match decide_within((model, ctx), &before, decision, "raise", |run| run.raise(failure, None, Retry::Nothing)) {
        Ok(mut raised) => {
            raised.reach.clear();
            decision.made.push(raised);
        }
        Err(Stop::Refused(_)) => {}
        Err(needs @ Stop::Needs(_)) => return Err(needs),
    }
    Ok(())
}

/// What the decision and those within it want of others, each with the number of the ticket that wants it.
fn taken(decision: &mut Decision) -> Vec<(TicketNumber, Reach)> {
    if decision.reach.is_empty() && decision.made.is_empty() {
        return vec![];
    }
    let from = decision.after.ticket.number.clone();
    let mut all: Vec<_> = std::mem::take(&mut decision.reach).into_iter().map(|r| (from.clone(), r)).collect();
    decision.made.iter_mut().for_each(|d| all.extend(taken(d)));
    all
}

/// The ticket as this command leaves it so far.
fn current(decision: &Decision, number: &TicketNumber, ctx: &Context) -> Result<Option<Snapshot>, LookUp> {
    match decision.last(number) {
        Some(after) => Ok(Some(after.clone().compact())),
        None => Ok(ctx.facts.other(number)?.map(|other| (*other).clone())),
    }
}
