//! `decide`: a command on a snapshot, with a context, becomes events or a refusal. Pure and deterministic.

mod activity;
pub(crate) mod call;
pub mod choices;
mod copies;
pub(crate) mod create;
mod erase;
mod family;
pub(crate) mod form;
mod group;
mod guard;
mod handle;
mod incident;
mod job;
mod join;
pub mod life_cycle;
mod look;
pub(crate) mod mail;
pub(crate) mod merge;
mod message;
pub mod mutex;
pub mod open;
mod patch;
mod pick;
mod reach;
pub mod run;
pub mod steer;
mod sub_process;
mod submit;
pub mod tell;
mod ticket;
mod timer;
mod token;
pub mod view;
pub mod voters;

use crate::command::{Command, Context};
use crate::event::{Blob, Event};
use crate::people::PersonKind;
use crate::rejection::{Rejection, RightReason};
use crate::rights::{self, Sight};
use crate::snapshot::{Retry, Seq, Snapshot};
pub use pick::Given;
use reach::Reach;
pub(crate) use reach::settle;
use run::{Failure, Run};
use vorgang_definitions::model::Model;

pub(crate) use copies::items_value;
pub(crate) use form::relied_on;

/// What is to be committed, whole or not at all.
#[derive(Debug, Clone)]
pub struct Decision {
    pub events: Vec<Event>,
    /// The snapshot with the events applied; its version is the one to be.
    pub after: Snapshot,
    pub blobs: Vec<Blob>,
    /// What the person should know beside success.
    pub notice: Option<Notice>,
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
pub enum Notice {
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

/// The snapshot is `None` for commands that create a ticket.
pub fn decide(model: &Model, snapshot: Option<&Snapshot>, command: &Command, ctx: &Context) -> Result<Decision, Rejection> {
    if !ctx.actor.active || (command.is_internal() && ctx.actor.kind != PersonKind::System) {
        return Err(Rejection::NotFound);
    }
    let mut decision = match command {
        Command::CreateTicket(new) => create::ticket(model, new, ctx)?,
        Command::StartProcess { process, form } => create::process(model, process, form, ctx)?,
        Command::OpenByMail(received) => mail::open(model, received, ctx)?,
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
            message::receive(&mut run, name, data, *sent);
        }
        Command::CloseChild { number } => family::close_child(&mut run, number),
        Command::EndSubProcess { work, ticket, instance, outcome, data } => {
            sub_process::end_on(&mut run, *work, ticket, *instance, outcome, data);
        }
        Command::CancelInstance { instance } => sub_process::cancel(&mut run, *instance),
        Command::TakeIn(taken) => merge::take_in(&mut run, taken),
        Command::EndMail { notice, to, result } => {
            run.emit(Event::MailEnded { notice: *notice, to: to.clone(), message: result.clone().err() });
            if let Err(message) = result {
                // A mail to whoever is meant, and not to somebody who is known: refused for good, it did not reach the address.
                if to.contains('@') && ctx.people.get(to).is_none() {
                    run.emit(Event::MailBounced { address: to.clone(), message: message.clone(), at: ctx.now });
                }
                run.raise(Failure::new("mail", message.clone()), None, Retry::Deliver { notice: *notice });
            }
        }
        Command::Raise { failure, retry } => run.raise(failure.clone(), None, retry.clone()),
        Command::RetryIncident { incident } => {
            if !rights::is_admin(&model.names, ctx.actor) {
                return Err(Rejection::Right(RightReason::AdminOnly));
            }
            incident::retry(&mut run, *incident)?;
        }
        Command::FireTimer { timer } => timer::fire(&mut run, *timer),
        Command::TakeMutex { name, key } => mutex::take(&mut run, name, key),
        Command::RecountTimers => timer::recount(&mut run),
        Command::RunJob { job } => job::run(&mut run, job),
        Command::ReceiveMail(received) => mail::receive(&mut run, received),
        Command::EraseContent(wish) => erase::erase(&mut run, wish)?,
        Command::TakeBackMail { mail, article } => mail::take_back(&mut run, *mail, *article)?,
        Command::CreateTicket(_) | Command::StartProcess { .. } | Command::OpenByMail(_) => {}
    }
    run.finish()
}
