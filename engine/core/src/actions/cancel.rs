use crate::execution::at::At;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use vorgang_definitions::actions::cancel::Cancel;

/// Withdraws the tokens of an activity or of a group, or ends the whole instance (C12): nothing follows them. The
/// token that does it goes its own way.
pub fn perform(run: &mut Run, name: &Cancel, at: At) -> Result<(), Failure> {
    let Some(instance) = at.instance() else { return Err(Failure::new("cancel", "there is no process here")) };
    if *name == "instance" {
        run.end_instance(instance, "cancelled");
        return Ok(());
    }
    let Some(process) = run.process_of(instance) else { return Ok(()) };
    let group = process.def.groups.position(name);
    let here = |activity: &str| activity == name.as_str() || group.is_some_and(|g| process.net.is_in(activity, g));
    run.withdraw_those(|w| w.instance == instance && here(&w.activity) && Some(w.seq) != at.work());
    Ok(())
}
