use crate::commands::command_data::ChangesTicket;
use crate::execution::run::Run;
use crate::react::job;
use crate::rules::rejection::Rejection;

/// A job, on one of the tickets that it may mean.
#[derive(Debug, Clone, PartialEq)]
pub struct RunJob {
    pub job: String,
}

impl ChangesTicket for RunJob {
    const WORD: &'static str = "run_job";
    const INTERNAL: bool = true;

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        job::run_job(run, &self.job);
        Ok(())
    }
}
