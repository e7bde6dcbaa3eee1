use crate::execution::run::Run;
use crate::net::call;
use crate::rules::failure::Failure;
use crate::state::ids::Seq;
use vorgang_definitions::actions::Action;
use vorgang_definitions::actions::run::Run as Program;

/// Elsewhere than in an activity's own `do` nothing waits for it.
pub fn run(run: &mut Run, program: &Program, action: &Action, instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
    call::want(run, program, action.retry.as_ref(), instance, work, None)
}
