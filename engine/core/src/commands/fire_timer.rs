use crate::commands::command_data::ChangesTicket;
use crate::execution::run::Run;
use crate::net::timer;
use crate::rules::rejection::Rejection;
use crate::state::ids::TimerId;

/// A timer whose time has come.
#[derive(Debug, Clone, PartialEq)]
pub struct FireTimer {
    pub timer: TimerId,
}

impl ChangesTicket for FireTimer {
    const WORD: &'static str = "fire_timer";
    const INTERNAL: bool = true;

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        timer::fire(run, self.timer);
        Ok(())
    }
}
