use crate::execution::run::Run;
use crate::net::token;
use crate::rules::failure::Failure;
use crate::state::people::SYSTEM;
use vorgang_definitions::actions::start::Start;
use vorgang_definitions::kinds::process::Status;

pub fn perform(run: &mut Run, name: &Start) -> Result<(), Failure> {
    let process = run.model.processes.get(name.as_str()).cloned();
    let process = process.ok_or_else(|| Failure::new("definition", format!("no process is called `{name}`")))?;
    if process.def.status() != Status::Active {
        return Err(Failure::new("inactive", format!("the process `{name}` is {}", process.def.status().word())));
    }
    let first = token::first(&process)?;
    let instance = run.start_instance(&process, &SYSTEM);
    run.enter(instance, first, None);
    Ok(())
}
