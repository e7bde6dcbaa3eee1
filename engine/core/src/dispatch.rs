//! `decide`: a command on a snapshot, with a context, becomes events or a refusal. Pure and deterministic.

use crate::commands::{create_ticket, erase, mail_in, mail_out, merge, patch, retry_incident, start_process, steer, submit};
use crate::execution::command::Command;
use crate::execution::context::Context;
use crate::execution::decision::{Decision, Reach};
use crate::execution::run::Run;
use crate::net::{call, mutex, sub_process, timer};
use crate::react::{family, job, messages};
use crate::rules::failure::Failure;
use crate::rules::rejection::{Rejection, RightReason};
use crate::rules::rights::{self, Sight};
use crate::state::event::{Event, MailBounced, MailEnded};
use crate::state::people::PersonKind;
use crate::state::snapshot::{Retry, Snapshot};
use std::collections::{BTreeSet, VecDeque};
use vorgang_definitions::model::Model;

/// The snapshot is `None` for commands that create a ticket.
pub fn decide(model: &Model, snapshot: Option<&Snapshot>, command: &Command, ctx: &Context) -> Result<Decision, Rejection> {
    if !ctx.actor.active || (command.is_internal() && ctx.actor.kind != PersonKind::System) {
        return Err(Rejection::NotFound);
    }
    let mut decision = match command {
        Command::CreateTicket(new) => create_ticket::ticket(model, new, ctx)?,
        Command::StartProcess { process, form } => start_process::process(model, process, form, ctx)?,
        Command::OpenByMail(received) => mail_in::open(model, received, ctx)?,
        _ => {
            let snapshot = snapshot.ok_or(Rejection::NotFound)?;
            if rights::sight(&model.names, ctx.actor, snapshot) == Sight::Nothing && !matches!(command, Command::RetryIncident { .. }) {
                return Err(Rejection::NotFound);
            }
            change(model, snapshot, command, ctx)?
        }
    };
    settle(model, &mut decision, ctx)?;
    Ok(decision)
}

fn change(model: &Model, snapshot: &Snapshot, command: &Command, ctx: &Context) -> Result<Decision, Rejection> {
    let mut run = Run::new(model, snapshot.clone(), Some(&snapshot.ticket), ctx);
    match command {
        Command::SubmitDialog { work, form } => submit::submit(&mut run, *work, form)?,
        Command::ClaimWork { work } => submit::claim(&mut run, *work)?,
        Command::ReleaseWork { work } => submit::release(&mut run, *work)?,
        Command::Steer(hand) => steer::steer(&mut run, hand)?,
        Command::PatchTicket { values, seen, expected, blobs } => {
            if let Some(expected) = expected {
                patch::unchanged_since(&run, values, *expected)?;
            }
            run.blobs = blobs.clone();
            patch::patch(&mut run, values, *seen)?;
        }
        Command::AddArticle { article } => patch::article(&mut run, article)?,
        Command::WatchTicket { watch } => patch::watch(&mut run, *watch)?,
        Command::LinkTicket { other, number, kind, linked } => patch::link(&mut run, *other, number, *kind, *linked)?,
        Command::MergeTicket { into } => merge::by_hand(&mut run, into)?,
        Command::SplitTicket { article, ticket_type, queue } => merge::split_by_hand(&mut run, *article, ticket_type, queue)?,
        Command::AnswerCall { call, result } => call::answer(&mut run, *call, result),
        Command::ReceiveMessage { name, data, sent, hops } => {
            run.hops = *hops;
            messages::receive(&mut run, name, data, *sent);
        }
        Command::CloseChild { number } => family::close_child(&mut run, number),
        Command::EndSubProcess { work, ticket, instance, outcome, data } => {
            sub_process::end_on(&mut run, *work, ticket, *instance, outcome, data);
        }
        Command::CancelInstance { instance } => sub_process::cancel(&mut run, *instance),
        Command::TakeIn(taken) => merge::take_in(&mut run, taken),
        Command::EndMail { notice, to, result } => {
            run.emit(Event::MailEnded(MailEnded { notice: *notice, to: to.clone(), message: result.clone().err() }));
            if let Err(message) = result {
                // A mail to whoever is meant, and not to somebody who is known: refused for good, it did not reach the address.
                if to.contains('@') && ctx.people.get(to).is_none() {
                    run.emit(Event::MailBounced(MailBounced { address: to.clone(), message: message.clone(), at: ctx.now }));
                }
                run.raise(Failure::new("mail", message.clone()), None, Retry::Deliver { notice: *notice });
            }
        }
        Command::Raise { failure, retry } => run.raise(failure.clone(), None, retry.clone()),
        Command::RetryIncident { incident } => {
            if !rights::is_admin(&model.names, ctx.actor) {
                return Err(Rejection::Right(RightReason::AdminOnly));
            }
            retry_incident::retry(&mut run, *incident)?;
        }
        Command::FireTimer { timer } => timer::fire(&mut run, *timer),
        Command::TakeMutex { name, key } => mutex::take(&mut run, name, key),
        Command::RecountTimers => timer::recount(&mut run),
        Command::RunJob { job } => job::run(&mut run, job),
        Command::ReceiveMail(received) => mail_in::receive(&mut run, received),
        Command::EraseContent(wish) => erase::erase(&mut run, wish)?,
        Command::TakeBackMail { mail, article } => mail_out::take_back(&mut run, *mail, *article)?,
        Command::CreateTicket(_) | Command::StartProcess { .. } | Command::OpenByMail(_) => {}
    }
    run.finish()
}

/// Tickets that one command may reach, those counted twice that are reached twice.
pub const REACH_MAX: usize = 100;

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
