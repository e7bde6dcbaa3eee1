//! Work by hand: what an administrator does to a token, and people with their own work. What follows is proved first.

use crate::commands::command_data::ChangesTicket;
use crate::commands::submit_dialog::{self, open_item};
use crate::execution::run::Run;
use crate::net::voters;
use crate::net::workers::may_work;
use crate::rules::failure::Failure;
use crate::rules::rejection::{FormError, Rejection, RightReason};
use crate::rules::rights;
use crate::state::event::{Event, WorkSteered};
use crate::state::ids::{InstanceId, WorkId};
use crate::state::people::Person;
use crate::state::snapshot::{Snapshot, WorkItem, WorkStatus};
use crate::state::timer::Pause;
use std::sync::Arc;
use vorgang_definitions::kinds::process::{Activity, Approval};
use vorgang_definitions::kinds::role::Right;
use vorgang_definitions::model::{Model, ProcessModel};
use vorgang_definitions::outcomes;
use vorgang_definitions::soundness::decide_from;
use vorgang_definitions::soundness::fault::Answer;
use vorgang_definitions::soundness::marking::{Marking, Token};

/// An intervention by hand in the work of a ticket, with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steer {
    pub hand: Hand,
    pub reason: String,
    /// Accepts that the process may not be able to end well.
    pub anyway: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hand {
    /// Ends the work item as if its people had given this outcome.
    Complete {
        work: WorkId,
        outcome: String,
    },
    /// Continues as with this outcome although nobody did the work: undoing leaves it alone.
    Skip {
        work: WorkId,
        outcome: String,
    },
    /// Removes the work item; nothing follows.
    Cancel {
        work: WorkId,
    },
    /// Moves the token to another activity.
    Move {
        work: WorkId,
        to: String,
    },
    /// Repeats a completed activity.
    Redo {
        instance: InstanceId,
        activity: String,
    },
    /// Blocks the work item and stops its clocks until it is resumed.
    Suspend {
        work: WorkId,
    },
    Resume {
        work: WorkId,
    },
    /// Gives the work item to another person.
    Over {
        work: WorkId,
        to: String,
    },
}

impl Hand {
    pub const WORDS: [&'static str; 8] = ["complete", "skip", "cancel", "move", "redo", "suspend", "resume", "hand_over"];

    pub fn word(&self) -> &'static str {
        match self {
            Self::Complete { .. } => "complete",
            Self::Skip { .. } => "skip",
            Self::Cancel { .. } => "cancel",
            Self::Move { .. } => "move",
            Self::Redo { .. } => "redo",
            Self::Suspend { .. } => "suspend",
            Self::Resume { .. } => "resume",
            Self::Over { .. } => "hand_over",
        }
    }

    /// By its word, for a work item; `None` where something is missing.
    pub fn of_work(word: &str, work: WorkId, outcome: Option<String>, to: Option<String>) -> Option<Self> {
        Some(match word {
            "complete" => Self::Complete { work, outcome: outcome? },
            "skip" => Self::Skip { work, outcome: outcome? },
            "cancel" => Self::Cancel { work },
            "move" => Self::Move { work, to: to? },
            "suspend" => Self::Suspend { work },
            "resume" => Self::Resume { work },
            "hand_over" => Self::Over { work, to: to? },
            _ => return None,
        })
    }

    /// People may do it with their own work.
    pub fn is_for_workers(&self) -> bool {
        matches!(self, Self::Suspend { .. } | Self::Resume { .. } | Self::Over { .. })
    }

    pub fn work(&self) -> Option<WorkId> {
        match self {
            Self::Complete { work, .. }
            | Self::Skip { work, .. }
            | Self::Cancel { work }
            | Self::Move { work, .. }
            | Self::Suspend { work }
            | Self::Resume { work }
            | Self::Over { work, .. } => Some(*work),
            Self::Redo { .. } => None,
        }
    }

    /// The outcome, the activity or the person.
    pub fn to(&self) -> Option<&str> {
        match self {
            Self::Complete { outcome: to, .. } | Self::Skip { outcome: to, .. } | Self::Move { to, .. } | Self::Over { to, .. } => Some(to),
            _ => None,
        }
    }
}

impl ChangesTicket for Steer {
    const WORD: &'static str = "steer";

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        steer(run, self)
    }
}

fn steer(run: &mut Run, steer: &Steer) -> Result<(), Rejection> {
    let admin = rights::is_admin(&run.model.names, run.ctx.actor);
    if !admin && !steer.hand.is_for_workers() {
        return Err(Rejection::Right(RightReason::AdminOnly));
    }
    if steer.reason.trim().is_empty() && !matches!(steer.hand, Hand::Over { .. } | Hand::Resume { .. }) {
        return Err(Rejection::Form(vec![("reason".into(), FormError::Required)]));
    }
    let (instance, activity) = about(&run.snapshot, &steer.hand)?;
    let process = run.process_of(instance).ok_or(Rejection::Gone)?;
    let before = run.snapshot.clone();
    run.emit(Event::WorkSteered(WorkSteered {
        instance,
        activity: activity.clone(),
        hand: steer.hand.word().into(),
        to: steer.hand.to().map(str::to_owned),
        reason: steer.reason.trim().to_owned(),
        at: run.ctx.now,
    }));
    match &steer.hand {
        Hand::Complete { work, outcome } => complete(run, &process, *work, outcome)?,
        Hand::Skip { work, outcome } => skip(run, &process, *work, outcome)?,
        Hand::Cancel { work } => {
            let item = any_open(run, *work)?;
            run.withdraw(item.seq);
            if !run.snapshot.open_work().any(|w| w.instance == instance) {
                run.end_instance(instance, "cancelled");
            }
        }
        Hand::Move { work, to } => {
            let item = token(run, *work)?;
            place_known(&process, to)?;
            run.withdraw(item.seq);
            run.place_anew(instance, to);
        }
        Hand::Redo { .. } => run.place_anew(instance, &activity),
        Hand::Suspend { work } => suspend(run, *work, admin)?,
        Hand::Resume { work } => resume(run, &process, *work, admin)?,
        Hand::Over { work, to } => hand_over(run, *work, to, admin)?,
    }
    if steer.anyway || steer.hand.is_for_workers() {
        return Ok(());
    }
    // What was wrong before is none of its doing.
    match fault(run.model, &process, &run.snapshot, instance) {
        Some(why) if fault(run.model, &process, &before, instance).is_none() => Err(Rejection::Unsound(why)),
        _ => Ok(()),
    }
}

/// The instance and the activity that are meant.
fn about(snapshot: &Snapshot, hand: &Hand) -> Result<(InstanceId, String), Rejection> {
    if let Hand::Redo { instance, activity } = hand {
        let runs = snapshot.instance(*instance).is_some_and(|i| i.outcome.is_none());
        let done = snapshot.step(*instance, activity).is_some();
        let open = snapshot.open_work().any(|w| w.instance == *instance && w.activity == *activity);
        return if runs && done && !open { Ok((*instance, activity.clone())) } else { Err(Rejection::Gone) };
    }
    let work = hand.work().ok_or(Rejection::Gone)?;
    let item = snapshot.item(work).filter(|w| w.status.is_open()).ok_or(Rejection::Gone)?;
    Ok((item.instance, item.activity.clone()))
}

fn any_open(run: &Run, work: WorkId) -> Result<WorkItem, Rejection> {
    run.snapshot.item(work).filter(|w| w.status.is_open()).cloned().ok_or(Rejection::Gone)
}

/// A token of its own, and no copy.
fn token(run: &Run, work: WorkId) -> Result<WorkItem, Rejection> {
    any_open(run, work).and_then(|w| if w.copy().is_none() { Ok(w) } else { Err(Rejection::Gone) })
}

fn place_known(process: &ProcessModel, to: &str) -> Result<(), Rejection> {
    match process.def.activities.get(to) {
        Some(_) => Ok(()),
        None => Err(Rejection::Form(vec![("to".into(), FormError::Unknown)])),
    }
}

fn complete(run: &mut Run, process: &ProcessModel, work: WorkId, outcome: &str) -> Result<(), Rejection> {
    let (item, _) = at_work(run, process, work, outcome)?;
    run.withdraw_within(&item);
    let by = run.ctx.actor.login.clone();
    went(run.complete(work, outcome, &by))
}

/// It goes on as with the outcome, and nobody has done it: nothing of it is undone later.
fn skip(run: &mut Run, process: &ProcessModel, work: WorkId, outcome: &str) -> Result<(), Rejection> {
    let (item, activity) = at_work(run, process, work, outcome)?;
    if item.copy().is_some() {
        return Err(Rejection::Gone);
    }
    run.withdraw_within(&item);
    let by = run.ctx.actor.login.clone();
    went(run.skip(&item, activity, outcome, &by))
}

fn went(left: Result<Option<Vec<String>>, Failure>) -> Result<(), Rejection> {
    match left {
        Ok(None) => Ok(()),
        Ok(Some(conditions)) => Err(Rejection::NoBranch(conditions)),
        Err(failure) => Err(Rejection::Failed(failure.message)),
    }
}

/// An item that can end with this outcome. What waits at a join for others has not begun.
fn at_work<'p>(run: &Run, process: &'p ProcessModel, work: WorkId, outcome: &str) -> Result<(WorkItem, &'p Activity), Rejection> {
    let item = any_open(run, work)?;
    let activity = process.def.activities.get(&item.activity).ok_or(Rejection::Gone)?;
    if is_at_join(&item) {
        return Err(Rejection::Gone);
    }
    if !outcomes(run.model, process, &item).iter().any(|o| o == outcome) {
        return Err(Rejection::Form(vec![("outcome".into(), FormError::UnknownOutcome)]));
    }
    Ok((item, activity))
}

/// The outcomes with which a work item can be completed or skipped by hand.
pub fn outcomes(model: &Model, process: &ProcessModel, item: &WorkItem) -> Vec<String> {
    let of = if item.copy().is_some() { outcomes::copy_outcomes } else { outcomes::outcomes };
    of(&model.names, &process.def, &item.activity)
}

pub fn is_at_join(item: &WorkItem) -> bool {
    item.status == WorkStatus::Waiting && item.more.as_ref().is_none_or(|m| m.waits.is_none())
}

fn suspend(run: &mut Run, work: WorkId, admin: bool) -> Result<(), Rejection> {
    let item = open_item(run, work)?;
    own(run, &item, admin)?;
    run.stop_clocks(work, Pause::Suspended);
    run.change_work(work, WorkStatus::Suspended, item.claimed_by, true);
    Ok(())
}

fn resume(run: &mut Run, process: &ProcessModel, work: WorkId, admin: bool) -> Result<(), Rejection> {
    let item = any_open(run, work)?;
    if item.status != WorkStatus::Suspended {
        return Err(Rejection::Gone);
    }
    own(run, &item, admin)?;
    let activity = process.def.activities.get(&item.activity).ok_or(Rejection::Gone)?;
    run.resume(&item, activity);
    Ok(())
}

fn hand_over(run: &mut Run, work: WorkId, to: &str, admin: bool) -> Result<(), Rejection> {
    let item = open_item(run, work)?;
    if let Some(approval) = approval_of(run, &item) {
        return delegate(run, &item, &approval, to);
    }
    own(run, &item, admin)?;
    let wrong = |e: FormError| Rejection::Form(vec![("to".into(), e)]);
    let person: Arc<Person> = run.ctx.people.get(to).filter(|p| p.active).cloned().ok_or_else(|| wrong(FormError::NoSuchPerson))?;
    if may_work(run, &item, &person).is_err() {
        return Err(wrong(FormError::NotForPerson));
    }
    if item.claimed_by.as_deref() == Some(to) {
        return Ok(());
    }
    run.change_work(work, item.status, Some(to.into()), true);
    // The ticket goes with the work, where whoever gave it had both.
    let had = item.claimed_by.is_some() && run.snapshot.ticket.owner == item.claimed_by;
    if had && rights::in_queue(&run.model.names, &person, &run.snapshot.ticket.queue, Right::Owner) {
        run.set("owner", to.into(), false);
    }
    Ok(())
}

/// The approval that the item is, where it has nothing else to do.
fn approval_of(run: &Run, item: &WorkItem) -> Option<Approval> {
    let process = run.process_of(item.instance)?;
    let activity = process.def.activities.get(&item.activity)?;
    activity.approval.as_deref().filter(|_| activity.dialogs.is_empty()).cloned()
}

/// Gives the own vote to somebody else.
fn delegate(run: &mut Run, item: &WorkItem, approval: &Approval, to: &str) -> Result<(), Rejection> {
    let wrong = |e: FormError| Rejection::Form(vec![("to".into(), e)]);
    let member = voters::votes_for(run, item, approval, run.ctx.actor)?;
    if member != run.ctx.actor.login {
        return Err(Rejection::Right(RightReason::NotForYou));
    }
    if run.ctx.people.get(to).is_none_or(|p| !p.active) {
        return Err(wrong(FormError::NoSuchPerson));
    }
    if !voters::delegates(run, item, approval).iter().any(|l| l == to) {
        return Err(wrong(FormError::NotForPerson));
    }
    // One who has a vote already has no second: there would be one less.
    let before = voters::votes_possible(run, item, approval);
    submit_dialog::delegate(run, item, member, to.into());
    let after = run.snapshot.item(item.seq).map_or(0, |w| voters::votes_possible(run, w, approval));
    if after < before && after < approval.required() { Err(wrong(FormError::NotForPerson)) } else { Ok(()) }
}

/// Whoever has claimed the work, and administrators.
fn own(run: &Run, item: &WorkItem, admin: bool) -> Result<(), Rejection> {
    match &item.claimed_by {
        _ if admin => Ok(()),
        Some(by) if *by == run.ctx.actor.login => Ok(()),
        Some(_) => Err(Rejection::Right(RightReason::NotForYou)),
        None => may_work(run, item, run.ctx.actor).and(Err(Rejection::Right(RightReason::ClaimFirst))),
    }
}

/// What is wrong with going on from here, in a sentence; `None` too where that is not decided.
fn fault(model: &Model, process: &ProcessModel, snapshot: &Snapshot, instance: InstanceId) -> Option<String> {
    let state = snapshot.instance(instance).filter(|i| i.outcome.is_none())?;
    let tokens = snapshot.open_work().filter(|w| w.instance == instance && w.copy().is_none());
    let tokens = tokens.map(|w| Token { activity: &w.activity, arrow: w.source.as_deref().filter(|_| is_at_join(w)) }).collect::<Vec<_>>();
    let rounds = state.more.iter().flat_map(|m| m.rounds.iter());
    let delivered = rounds.flat_map(|(join, arrows)| arrows.iter().map(move |a| (join.as_str(), a.as_str()))).collect();
    match decide_from(&model.names, &process.def, &Marking { tokens, delivered }) {
        Answer::Unsound(faults) => faults.first().map(ToString::to_string),
        Answer::Sound | Answer::Undecided => None,
    }
}
