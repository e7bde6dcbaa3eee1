//! Retrying what failed.

use crate::commands::command_data::ChangesTicket;
use crate::commands::submit_dialog;
use crate::execution::run::Run;
use crate::net::step::no_branch;
use crate::net::{call, timer};
use crate::react::job;
use crate::rules::rejection::{Rejection, RightReason};
use crate::rules::rights;
use crate::state::event::{Event, IncidentResolved, MailWanted};
use crate::state::happening::Happening;
use crate::state::ids::{IncidentId, WorkId};
use crate::state::snapshot::{Retry, WorkStatus};
use std::sync::Arc;

/// Does again what failed. For administrators.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryIncident {
    pub incident: IncidentId,
}

impl ChangesTicket for RetryIncident {
    const WORD: &'static str = "retry_incident";

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        if !rights::is_admin(&run.model.names, run.ctx.actor) {
            return Err(Rejection::Right(RightReason::AdminOnly));
        }
        retry(run, self.incident)
    }
}

fn retry(run: &mut Run, seq: IncidentId) -> Result<(), Rejection> {
    let incident = run.snapshot.incidents.iter().find(|i| i.seq == seq && i.resolved.is_none()).cloned().ok_or(Rejection::Gone)?;
    run.emit(Event::IncidentResolved(IncidentResolved { seq, at: run.ctx.now }));
    match incident.retry {
        Retry::Nothing => {}
        Retry::Enter { work } => {
            if run.snapshot.item(work).is_some_and(|w| w.status == WorkStatus::Failed) {
                run.again(work);
            }
        }
        Retry::Resume { work, from } => {
            if let Some(item) = run.snapshot.item(work).filter(|w| w.status == WorkStatus::Failed).cloned() {
                run.go_on(&item, from, Retry::Resume { work, from });
            }
        }
        Retry::Call { call } => call::again(run, *call),
        Retry::EnterAll => {
            let failed: Vec<WorkId> = run.snapshot.open_work().filter(|w| w.status == WorkStatus::Failed).map(|w| w.seq).collect();
            // Those that another incident holds are that one's to retry.
            let held = |seq: WorkId| run.snapshot.incidents.iter().any(|i| i.resolved.is_none() && i.retry.work() == Some(seq));
            let again: Vec<WorkId> = failed.into_iter().filter(|seq| !held(*seq)).collect();
            again.into_iter().for_each(|seq| run.again(seq));
        }
        Retry::Look { work } => run.look_again(work),
        Retry::Deliver { notice } => run.emit(Event::MailWanted(MailWanted { notice })),
        Retry::Job { job } => job::run_job(run, &job),
        Retry::Fire { work, kind } => timer::again(run, work, kind),
        Retry::Handle { handler, happening } => {
            if let Some(stored) = happening {
                let happening =
                    Happening::read(&stored).ok_or_else(|| Rejection::Failed("the event of the incident cannot be read".into()))?;
                run.handle_again(&handler, &Arc::new(happening));
            }
        }
        Retry::Vote { work, by } => submit_dialog::vote_again(run, work, &by),
        Retry::Complete { work, outcome, by } => {
            let Some(item) = run.snapshot.item(work).filter(|w| w.status == WorkStatus::Failed).cloned() else { return Ok(()) };
            let again = Retry::Complete { work, outcome: outcome.clone(), by: by.clone() };
            match run.complete(item.seq, &outcome, &by) {
                Ok(None) => {}
                Ok(Some(conditions)) => run.fail(work, no_branch(&conditions), again),
                Err(failure) => run.fail(work, failure, again),
            }
        }
    }
    Ok(())
}
