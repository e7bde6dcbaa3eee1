use crate::commands::command_data::ChangesTicket;
use crate::execution::ask;
use crate::execution::run::Run;
use crate::rules::rejection::Rejection;
use crate::rules::rights;
use vorgang_definitions::kinds::role::Right;

/// Begins or ends the actor's watching. Agents watch what they may read; what a customer sees of a ticket comes without asking.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchTicket {
    pub watch: bool,
}

impl ChangesTicket for WatchTicket {
    const WORD: &'static str = "watch_ticket";

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        let watch = self.watch;
        let person = run.ctx.actor.login.clone();
        if watch && !run.snapshot.watchers.contains(&person) {
            rights::require(&run.model.names, run.ctx.actor, &run.snapshot.ticket, Right::Ro)?;
            ask::ask(run, "action", "watch", None)?;
        }
        run.watch(person, watch);
        Ok(())
    }
}
