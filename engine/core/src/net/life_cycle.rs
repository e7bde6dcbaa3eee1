//! The life cycle of a ticket's type: which states follow, for whom and when (C20).

use crate::execution::at::At;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::rules::rejection::{LifeCycleReason, Rejection};
use crate::rules::who;
use crate::state::ids::InstanceId;
use serde_json::Value as Json;
use vorgang_definitions::kinds::state::StateType;
use vorgang_definitions::kinds::ticket_type::LifeTransition;

/// How deep life-cycle actions may set states in turn.
const LIFE_DEPTH_MAX: usize = 8;

impl Run<'_> {
    /// The life-cycle transition that allows the step, for a person or (without `as_person`) for the system (C20).
    pub fn life_cycle(&self, to: &str, as_person: bool) -> Result<Option<LifeTransition>, Rejection> {
        let from = self.snapshot.ticket.state.clone();
        let refuse = |why| Rejection::LifeCycle { from: from.clone(), to: to.to_owned(), why };
        let Some(ticket_type) = self.model.names.types.get(&self.snapshot.ticket.ticket_type) else { return Ok(None) };
        if !ticket_type.has_state(to) {
            return Err(refuse(LifeCycleReason::NotInType));
        }
        if self.model.names.state_type(to).is_pending() && self.snapshot.ticket.pending_until.is_none() {
            return Err(refuse(LifeCycleReason::PendingNeedsTime));
        }
        if as_person && !self.net.merging && self.model.names.state_type(to) == StateType::Merged {
            return Err(refuse(LifeCycleReason::OnlyByMerging));
        }
        let Some(transitions) = &ticket_type.transitions else { return Ok(None) };
        let mut why = LifeCycleReason::NoTransition;
        for t in transitions.iter().filter(|t| t.leads(&from, to)) {
            let scope = self.scope(At::Ticket);
            if let (true, Some(by)) = (as_person, &t.by)
                && !who::includes(by, self.ctx.actor, &scope).unwrap_or(false)
            {
                why = LifeCycleReason::NotByYou;
                continue;
            }
            if let Some(when) = &t.when
                && !when.program().holds(&scope).unwrap_or(false)
            {
                why = LifeCycleReason::Condition(when.text().to_owned());
                continue;
            }
            return Ok(Some(t.clone()));
        }
        Err(refuse(why))
    }

    /// Does the ticket wait, and nobody knows for how long? A pending state never stands without its time.
    pub fn waits_without_time(&self) -> bool {
        let ticket = &self.snapshot.ticket;
        ticket.pending_until.is_none() && self.model.names.state_type(&ticket.state).is_pending()
    }

    /// Sets the state through the life cycle; its `do` runs right after (C4).
    pub fn set_state(&mut self, to: &str, as_person: bool, instance: Option<InstanceId>) -> Result<(), StateError> {
        if self.snapshot.ticket.state == to {
            return Ok(());
        }
        let transition = self.life_cycle(to, as_person).map_err(StateError::Refused)?;
        if self.net.life_depth >= LIFE_DEPTH_MAX {
            return Err(StateError::Failed(Failure::new("loop", "the life cycle sets states in a circle")));
        }
        self.set("state", to.into(), false);
        if !self.model.names.state_type(to).is_pending() {
            self.set("pending_until", Json::Null, false);
        }
        if self.model.names.state_type(to).is_final() {
            // People are refused once all is at rest: until then the process may end by itself. What the system does has failed.
            if let Some(process) = self.keeps_open(instance).filter(|_| !as_person) {
                return Err(StateError::Refused(Rejection::KeptOpen { process }));
            }
            self.net.closed_by = instance;
        }
        if let Some(t) = transition {
            let outer = self.net.life_depth;
            self.net.life_depth = outer + 1;
            let done = self.actions(&t.actions, instance.map_or(At::Ticket, At::Instance));
            self.net.life_depth = outer;
            done.map_err(StateError::Failed)?;
        }
        Ok(())
    }
}

/// A state that cannot be set: a refusal to a person, an incident in a process.
#[derive(Debug)]
pub enum StateError {
    Refused(Rejection),
    Failed(Failure),
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Refused(r) => Failure::new("life_cycle", r.say("en")),
            StateError::Failed(f) => f,
        }
    }
}
