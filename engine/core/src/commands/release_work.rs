use crate::commands::command_data::ChangesTicket;
use crate::commands::submit_dialog::{claimed, open_item};
use crate::execution::run::Run;
use crate::net::workers::may_work;
use crate::rules::rejection::Rejection;
use crate::rules::rights;
use crate::state::ids::WorkId;

/// Gives a claimed work item back.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleaseWork {
    pub work: WorkId,
}

impl ChangesTicket for ReleaseWork {
    const WORD: &'static str = "release_work";

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        let work = self.work;
        let item = open_item(run, work)?;
        match &item.claimed_by {
            None => may_work(run, &item, run.ctx.actor),
            Some(by) if *by == run.ctx.actor.login || rights::is_admin(&run.model.names, run.ctx.actor) => {
                run.change_work(work, run.free(work), None, false);
                Ok(())
            }
            Some(_) => claimed(run, &item, false),
        }
    }
}
