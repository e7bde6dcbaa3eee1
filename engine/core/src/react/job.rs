//! A job on one ticket: the condition is asked again, then its actions run, all or none.

use crate::execution::at::At;
use crate::execution::decision::Remark;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::state::snapshot::Retry;
use vorgang_definitions::kinds::job::Job;

pub fn run_job(run: &mut Run, name: &str) {
    let Some(job) = run.model.jobs.get(name).cloned() else {
        run.notice = Some(Remark::NotMeant(None));
        return;
    };
    match run.holds(&job.condition, At::Ticket) {
        Ok(true) => {}
        Ok(false) => {
            run.notice = Some(Remark::NotMeant(None));
            return;
        }
        // What cannot be evaluated does not match (C29); the run counts it.
        Err(failure) => {
            run.notice = Some(Remark::NotMeant(Some(failure.message)));
            return;
        }
    }
    run.ran(job.at);
    let savepoint = run.savepoint();
    if let Err(failure) = run.actions(&job.actions, At::Ticket) {
        run.roll_back(savepoint);
        failed(run, &job, failure);
    }
}

/// One open incident for each job, however often it is tried.
fn failed(run: &mut Run, job: &Job, failure: Failure) {
    let retry = Retry::Job { job: job.name.to_string() };
    if run.snapshot.incidents.iter().any(|i| i.resolved.is_none() && i.retry == retry) {
        run.notice = Some(Remark::Incident(failure.message));
        return;
    }
    run.raise(failure, Some(format!("job {}", job.name)), retry);
}
