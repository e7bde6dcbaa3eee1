use crate::commands::command_data::ChangesTicket;
use crate::commands::submit_dialog::{claimed, only_approval, open_item};
use crate::execution::ask;
use crate::execution::run::Run;
use crate::net::workers::may_work;
use crate::rules::rejection::{Rejection, RightReason};
use crate::rules::rights;
use crate::state::ids::WorkId;
use crate::state::snapshot::WorkStatus;
use vorgang_definitions::kinds::role::Right;

/// Claims a work item for the actor.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimWork {
    pub work: WorkId,
}

impl ChangesTicket for ClaimWork {
    const WORD: &'static str = "claim_work";

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        let work = self.work;
        let item = open_item(run, work)?;
        claimed(run, &item, false)?;
        may_work(run, &item, run.ctx.actor)?;
        ask::ask(run, "action", "claim", Some(&item))?;
        // An approval is for all who may vote: nobody takes it from the others.
        if only_approval(run, &item) {
            return Err(Rejection::Right(RightReason::NotForYou));
        }
        run.person_starts(&item)?;
        let login = run.ctx.actor.login.clone();
        run.change_work(work, WorkStatus::Started, Some(login.clone()), false);
        // The claimant becomes the owner and locks the ticket, unless it has another owner.
        let may_own = rights::in_queue(&run.model.names, run.ctx.actor, &run.snapshot.ticket.queue, Right::Owner);
        if run.snapshot.ticket.owner.as_ref().is_none_or(|o| *o == login) && may_own {
            run.lock(true);
        }
        Ok(())
    }
}
