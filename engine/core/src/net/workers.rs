//! The people who may work on an activity.

use crate::execution::at::At;
use crate::execution::run::Run;
use crate::net::voters::votes_for;
use crate::rules::rejection::{Rejection, RightReason};
use crate::rules::scope::TicketScope;
use crate::rules::who;
use crate::state::people::Person;
use crate::state::snapshot::WorkItem;
use std::sync::Arc;
use vorgang_definitions::kinds::process::{Activity, Approval, Dialog};
use vorgang_definitions::kinds::who::Whos;
use vorgang_definitions::model::ProcessModel;

pub fn may_vote(run: &Run, item: &WorkItem, approval: &Approval, person: &Person) -> Result<(), Rejection> {
    votes_for(run, item, approval, person).map(|_| ())
}

fn among(of: &Whos, not: Option<&Whos>, person: &Person, scope: &TicketScope) -> Result<(), Rejection> {
    if !who::includes(of, person, scope).unwrap_or(false) {
        return Err(Rejection::Right(RightReason::NotForYou));
    }
    // What cannot be evaluated excludes: a doubt never gives a right.
    if not.is_some_and(|n| who::includes(n, person, scope).unwrap_or(true)) {
        return Err(Rejection::Right(RightReason::ExcludedByNot));
    }
    Ok(())
}

/// Is the dialog for this person?
pub fn may_use(run: &Run, item: &WorkItem, activity: &Activity, dialog: &Dialog, person: &Person) -> Result<(), Rejection> {
    let scope = run.scope(At::item(item));
    if let Some(whos) = &dialog.who {
        among(whos, None, person, &scope)?;
    }
    if let Some(assign) = &activity.assign {
        match &dialog.who {
            None => among(&assign.who, assign.not.as_ref(), person, &scope)?,
            Some(whos) => among(whos, assign.not.as_ref(), person, &scope)?,
        }
    }
    Ok(())
}

/// May this person do anything at the item?
pub fn may_work(run: &Run, item: &WorkItem, person: &Person) -> Result<(), Rejection> {
    let process: Arc<ProcessModel> = run.process_of(item.instance).ok_or(Rejection::Gone)?;
    let activity = process.def.activities.get(&item.activity).ok_or(Rejection::Gone)?;
    let mut last = Err(Rejection::Right(RightReason::NotForYou));
    for (_, dialog) in activity.dialogs.iter() {
        last = may_use(run, item, activity, dialog, person);
        if last.is_ok() {
            return last;
        }
    }
    match &activity.approval {
        Some(approval) => may_vote(run, item, approval, person),
        None => last,
    }
}
