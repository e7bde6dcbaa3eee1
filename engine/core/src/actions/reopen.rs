use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::state::ids::Seq;
use vorgang_definitions::actions::reopen::Reopen;

pub fn run(run: &mut Run, activity: &Reopen, instance: Option<Seq>, _: Option<Seq>) -> Result<(), Failure> {
    let instance = instance.ok_or_else(|| Failure::new("definition", "`reopen` belongs to a process"))?;
    run.reopen(instance, activity)
}
