use crate::commands::command_data::ChangesTicket;
use crate::commands::form;
use crate::commands::merge::{self, MergeError};
use crate::execution::ask;
use crate::execution::run::Run;
use crate::rules::rejection::{FormError, LifeCycleReason, Rejection};
use crate::rules::rights::{self, Sight};
use crate::state::ids::TicketNumber;
use crate::state::snapshot::Snapshot;
use std::sync::Arc;
use vorgang_definitions::kinds::role::Right;
use vorgang_definitions::kinds::state::StateType;
use vorgang_definitions::value_error::ValueError;

/// Puts what was written here onto another ticket, and ends this one. For agents who may change both.
#[derive(Debug, Clone, PartialEq)]
pub struct MergeTicket {
    pub into: TicketNumber,
}

impl ChangesTicket for MergeTicket {
    const WORD: &'static str = "merge_ticket";

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        let number = &self.into;
        let names = &run.model.names;
        rights::require(names, run.ctx.actor, &run.snapshot.ticket, Right::Rw)?;
        ask::ask(run, "action", "merge", None)?;
        let unknown = || Rejection::Form(vec![("into".into(), FormError::Invalid(ValueError::NotOffered(number.to_string())))]);
        let other = run.other(number);
        let seen = |s: &Arc<Snapshot>| rights::sight(names, run.ctx.actor, s) != Sight::Nothing;
        let other = other.filter(seen).ok_or_else(unknown)?;
        rights::require(names, run.ctx.actor, &other.ticket, Right::Rw)?;
        merge::merge(run, number, true, None).map_err(|e| match e {
            MergeError::NoTicket | MergeError::Gone => unknown(),
            MergeError::Already => Rejection::Gone,
            MergeError::NoState => Rejection::LifeCycle {
                from: run.snapshot.ticket.state.clone(),
                to: StateType::Merged.word().into(),
                why: LifeCycleReason::NotInType,
            },
            MergeError::State(e) => form::refused(e),
        })
    }
}
