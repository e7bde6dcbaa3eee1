use crate::execution::at::At;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use vorgang_definitions::actions::reopen::Reopen;

pub fn perform(run: &mut Run, activity: &Reopen, at: At) -> Result<(), Failure> {
    let instance = at.instance().ok_or_else(|| Failure::new("definition", "`reopen` belongs to a process"))?;
    run.reopen(instance, activity)
}
