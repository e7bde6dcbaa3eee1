use crate::commands::command_data::ChangesTicket;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::rules::rejection::Rejection;
use crate::state::snapshot::Retry;

/// A failure elsewhere that is an incident of this ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Raise {
    pub failure: Failure,
    pub retry: Retry,
}

impl ChangesTicket for Raise {
    const WORD: &'static str = "raise";
    const INTERNAL: bool = true;

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        run.raise(self.failure.clone(), None, self.retry.clone());
        Ok(())
    }
}
