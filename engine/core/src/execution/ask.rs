//! Asks the ACLs about the ticket of a run.

use crate::execution::at::At;
use crate::execution::run::Run;
use crate::rules::acl::Judge;
use crate::rules::denied::Denied;
use crate::rules::rejection::Rejection;
use crate::state::snapshot::{Snapshot, WorkItem};
use vorgang_definitions::cel::value::Value;

/// The ACLs' judge of the ticket as a form would make it; `None` where there is nothing to ask.
pub fn judge<'r>(run: &'r Run, trial: &'r Snapshot, at: At) -> Option<Judge<'r>> {
    Judge::new(&run.model.acls, run.scope(at), trial)
}

/// All ACLs that keep this person from it, at a work item if there is one; none where it may be done.
pub fn denials(run: &Run, key: &str, value: &str, at: Option<&WorkItem>) -> Vec<Denied> {
    let judge = judge(run, &run.snapshot, at.map_or(At::Ticket, At::item));
    judge.map(|j| j.choice(key).denials(&Value::text(value))).unwrap_or_default()
}

/// May this person do it, on the ticket as it is?
pub fn ask(run: &Run, key: &str, value: &str, at: Option<&WorkItem>) -> Result<(), Rejection> {
    denials(run, key, value, at).into_iter().next().map_or(Ok(()), |denied| Err(denied.into()))
}
