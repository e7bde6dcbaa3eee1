use crate::commands::command_data::ChangesTicket;
use crate::execution::run::Run;
use crate::net::timer;
use crate::rules::rejection::Rejection;

/// Recalculates the due times of timers whose calendar has changed.
#[derive(Debug, Clone, PartialEq)]
pub struct RecountTimers;

impl ChangesTicket for RecountTimers {
    const WORD: &'static str = "recount_timers";
    const INTERNAL: bool = true;

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        timer::recount(run);
        Ok(())
    }
}
