use crate::execution::at::At;
use crate::execution::run::Run;
use crate::net::call;
use crate::rules::failure::Failure;
use vorgang_definitions::actions::Action;
use vorgang_definitions::actions::run::Run as Program;

/// Elsewhere than in an activity's own `do` nothing waits for it.
pub fn perform(run: &mut Run, program: &Program, action: &Action, at: At) -> Result<(), Failure> {
    call::want(run, program, action.retry.as_ref(), at, None)
}
