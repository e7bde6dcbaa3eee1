//! Work items: dialogs, votes, claims.

use crate::commands::command_data::ChangesTicket;
use crate::commands::form::Form;
use crate::commands::{article, form};
use crate::execution::ask;
use crate::execution::at::At;
use crate::execution::decision::Remark;
use crate::execution::run::Run;
use crate::net::step::no_branch;
use crate::net::voters::{delegations, is_open_to_all, remaining, votes_for};
use crate::net::workers::may_use;
use crate::rules::rejection::{FormError, Rejection, RightReason};
use crate::state::event::{DialogSubmitted, Event, VoteCast};
use crate::state::ids::{Login, WorkId};
use crate::state::snapshot::{Retry, Snapshot, WorkItem, WorkStatus};
use vorgang_definitions::kinds::process::{Activity, Approval, Dialog, Outcome, Status, VOTES};

/// The dialog under which an approval is submitted.
pub const APPROVAL: &str = "approval";

/// A dialog of a work item, or a vote (dialog `approval`).
#[derive(Debug, Clone, PartialEq)]
pub struct SubmitDialog {
    pub work: WorkId,
    pub form: Form,
}

impl ChangesTicket for SubmitDialog {
    const WORD: &'static str = "submit_dialog";

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        submit(run, self.work, &self.form)
    }
}

pub fn submit(run: &mut Run, work: WorkId, form: &Form) -> Result<(), Rejection> {
    let item = open_item(run, work)?;
    if form.epoch.is_some_and(|e| e != item.epoch) {
        return Err(Rejection::Gone);
    }
    let process = run.process_of(item.instance).ok_or(Rejection::Gone)?;
    let activity = process.def.activities.get(&item.activity).ok_or(Rejection::Gone)?;
    if form.dialog.as_deref() == Some(APPROVAL) || (form.dialog.is_none() && activity.approval.is_some() && activity.dialogs.is_empty()) {
        let approval = activity.approval.as_ref().ok_or(Rejection::Gone)?;
        return vote(run, &item, approval, form);
    }
    let (name, dialog) = dialog_of(activity, form.dialog.as_deref())?;
    may_use(run, &item, activity, dialog, run.ctx.actor)?;
    may_open(run, &item, name)?;
    if dialog.when.as_ref().is_some_and(|w| !run.holds(w, At::item(&item)).unwrap_or(false)) {
        return Err(Rejection::Gone);
    }
    claimed(run, &item, dialog.claim)?;
    run.person_starts(&item)?;
    let outcome = outcome_of(run, &item, dialog, &form::trial(run, &dialog.fields, form, At::item(&item)), form.outcome.as_deref())?;
    run.blobs = form.blobs.clone();
    let filled = form::read(run, &dialog.fields, form, At::item(&item))?;
    form::conflicts(run, &filled.changes, form.seen)?;
    run.emit(Event::DialogSubmitted(DialogSubmitted { work, dialog: name.to_owned(), outcome: outcome.clone() }));
    form::write(run, filled.changes, Some(item.instance))?;
    form::write_data(run, filled.data, &item);
    article::write_article(run, filled.article, At::item(&item))?;
    // "First input saved" starts the item.
    run.change_work(work, WorkStatus::Started, item.claimed_by.clone(), false);
    finish_dialog(run, &item, &dialog.actions, &outcome);
    Ok(())
}

/// The dialog's `do` and the way on. From here on the submission is kept, whatever fails.
fn finish_dialog(run: &mut Run, item: &WorkItem, actions: &[vorgang_definitions::actions::Action], outcome: &str) {
    let savepoint = run.savepoint();
    let by = run.ctx.actor.login.clone();
    let retry = Retry::Complete { work: item.seq, outcome: outcome.to_owned(), by: by.clone() };
    if let Err(failure) = run.actions(actions, At::item(item)) {
        run.roll_back(savepoint);
        run.fail(item.seq, failure, retry);
        return;
    }
    match run.complete(item.seq, outcome, &by) {
        Ok(None) => {}
        Ok(Some(conditions)) => {
            run.roll_back(savepoint);
            run.change_work(item.seq, WorkStatus::Started, item.claimed_by.clone(), true);
            run.notice = Some(Remark::NoBranch(conditions));
        }
        Err(failure) => {
            run.roll_back(savepoint);
            run.fail(item.seq, failure, retry);
        }
    }
}

fn vote(run: &mut Run, item: &WorkItem, approval: &Approval, form: &Form) -> Result<(), Rejection> {
    let member = votes_for(run, item, approval, run.ctx.actor)?;
    may_open(run, item, APPROVAL)?;
    run.person_starts(item)?;
    let outcome = form.outcome.clone().unwrap_or_default();
    if !VOTES.contains(&outcome.as_str()) {
        return Err(Rejection::Form(vec![("outcome".into(), FormError::UnknownOutcome)]));
    }
    run.blobs = form.blobs.clone();
    let filled = form::read(run, &approval.fields, form, At::item(item))?;
    form::conflicts(run, &filled.changes, form.seen)?;
    let person = run.ctx.actor.login.clone();
    run.emit(Event::DialogSubmitted(DialogSubmitted { work: item.seq, dialog: APPROVAL.into(), outcome: outcome.clone() }));
    form::write(run, filled.changes, Some(item.instance))?;
    form::write_data(run, filled.data, item);
    article::write_article(run, filled.article, At::item(item))?;
    // Whoever is voted for has no other vote.
    if member != person && !delegations(item).iter().any(|(from, _)| *from == member) {
        delegate(run, item, member, person.clone());
    }
    run.emit(Event::VoteCast(VoteCast { work: item.seq, person, outcome, at: run.ctx.now }));
    run.change_work(item.seq, WorkStatus::Started, item.claimed_by.clone(), false);
    let by = run.ctx.actor.login.clone();
    after_vote(run, item, approval, &by);
    Ok(())
}

/// The approval's `do`, then the count. The vote is kept, whatever fails.
fn after_vote(run: &mut Run, item: &WorkItem, approval: &Approval, by: &Login) {
    let savepoint = run.savepoint();
    if let Err(failure) = run.actions(&approval.actions, At::item(item)) {
        run.roll_back(savepoint);
        run.fail(item.seq, failure, Retry::Vote { work: item.seq, by: by.to_owned() });
        return;
    }
    if let Some(decided) = decided(run, item, approval) {
        let retry = Retry::Complete { work: item.seq, outcome: decided.into(), by: by.to_owned() };
        match run.complete(item.seq, decided, by) {
            Ok(None) => {}
            Ok(Some(conditions)) => run.fail(item.seq, no_branch(&conditions), retry),
            Err(failure) => run.fail(item.seq, failure, retry),
        }
    }
}

/// From now on the one votes for the other.
pub fn delegate(run: &mut Run, item: &WorkItem, from: Login, to: Login) {
    let mut more = run.snapshot.item(item.seq).map(|w| w.more()).unwrap_or_default();
    more.delegated.push((from, to));
    run.note_work(item.seq, more);
}

/// After an incident of the approval's `do`.
pub fn vote_again(run: &mut Run, work: WorkId, by: &Login) {
    let Some(item) = run.snapshot.item(work).filter(|w| w.status == WorkStatus::Failed).cloned() else { return };
    let Some(process) = run.process_of(item.instance) else { return };
    let Some(approval) = process.def.activities.get(&item.activity).and_then(|a| a.approval.as_ref()) else { return };
    run.change_work(work, WorkStatus::Started, item.claimed_by.clone(), true);
    after_vote(run, &item, approval, by);
}

/// The approval's outcome, once the votes decide it (C11): the rest is counted, so that it ends in `reject` as soon
/// as `required` can no longer be reached.
fn decided(run: &Run, item: &WorkItem, approval: &Approval) -> Option<&'static str> {
    let count = |outcome: &str| run.snapshot.votes.iter().filter(|v| v.work == item.seq && v.outcome == outcome).count();
    let (approvals, rejections) = (count("approve"), count("reject"));
    if approvals >= approval.required() {
        return Some("approve");
    }
    if rejections >= approval.rejects() {
        return Some("reject");
    }
    // `anyone` has no end: there is always somebody left.
    if is_open_to_all(approval) {
        return None;
    }
    (approvals + remaining(run, item, approval) < approval.required()).then_some("reject")
}

/// Does no ACL close the dialog for this person?
pub fn may_open(run: &Run, item: &WorkItem, dialog: &str) -> Result<(), Rejection> {
    let process = run.snapshot.instance(item.instance).map_or("", |i| i.process.as_str());
    match run.model.acls.limits("dialog") {
        true => ask::ask(run, "dialog", &format!("{process}.{}.{dialog}", item.activity), Some(item)),
        false => Ok(()),
    }
}

pub fn claimed(run: &Run, item: &WorkItem, must: bool) -> Result<(), Rejection> {
    match &item.claimed_by {
        Some(by) if *by == run.ctx.actor.login => Ok(()),
        Some(by) => {
            let name = run.ctx.people.get(by).map_or_else(|| by.to_string(), |p| p.name.clone());
            Err(Rejection::Right(RightReason::ClaimedBy(name)))
        }
        None if must => Err(Rejection::Right(RightReason::ClaimFirst)),
        None => Ok(()),
    }
}

/// An item that people can act on.
pub fn open_item(run: &Run, work: WorkId) -> Result<WorkItem, Rejection> {
    let item = run.snapshot.item(work).filter(|w| matches!(w.status, WorkStatus::Offered | WorkStatus::Started));
    let item = item.cloned().ok_or(Rejection::Gone)?;
    if stands(run, &item) { Err(Rejection::Right(RightReason::Inactive)) } else { Ok(item) }
}

/// Its process is inactive now, whichever revision the instance keeps.
pub fn stands(run: &Run, item: &WorkItem) -> bool {
    let name = run.snapshot.instance(item.instance).map(|i| i.process.as_str());
    name.and_then(|n| run.model.processes.get(n)).is_some_and(|p| p.def.status() == Status::Inactive)
}

pub fn dialog_of<'p>(activity: &'p Activity, name: Option<&str>) -> Result<(&'p str, &'p Dialog), Rejection> {
    let unknown = || Rejection::Form(vec![("dialog".into(), FormError::UnknownDialog)]);
    match name {
        Some(name) => activity.dialogs.entry(name).map(|(n, d)| (n.as_str(), d)).ok_or_else(unknown),
        None if activity.dialogs.len() == 1 => activity.dialogs.iter().next().map(|(n, d)| (n.as_str(), d)).ok_or_else(unknown),
        None => Err(unknown()),
    }
}

/// A dialog without outcomes has one, `submit`; where there is one it need not be named.
pub fn outcome_of(run: &Run, item: &WorkItem, dialog: &Dialog, trial: &Snapshot, given: Option<&str>) -> Result<String, Rejection> {
    let unknown = || Rejection::Form(vec![("outcome".into(), FormError::UnknownOutcome)]);
    if dialog.outcomes.is_empty() {
        return if given.is_none_or(|g| g == "submit") { Ok("submit".into()) } else { Err(unknown()) };
    }
    let offered = |o: &Outcome| form::holds_in(run, trial, o.when.as_ref(), At::item(item), false);
    let found = match given {
        Some(given) => dialog.outcomes.entry(given),
        None if dialog.outcomes.len() == 1 => dialog.outcomes.iter().next(),
        None => None,
    };
    found.filter(|(_, o)| offered(o)).map(|(n, _)| n.to_string()).ok_or_else(unknown)
}

pub fn only_approval(run: &Run, item: &WorkItem) -> bool {
    let process = run.process_of(item.instance);
    process.and_then(|p| p.def.activities.get(&item.activity).map(|a| a.approval.is_some() && a.dialogs.is_empty())).unwrap_or(false)
}
