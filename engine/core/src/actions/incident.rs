use crate::execution::at::At;
use crate::execution::evaluate::render;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::state::snapshot::Retry;
use vorgang_definitions::actions::incident::Incident;

pub fn perform(run: &mut Run, template: &Incident, at: At) -> Result<(), Failure> {
    let message = render(run, template, at)?;
    let place = at.work().and_then(|w| run.snapshot.item(w)).map(|w| w.activity.clone());
    run.raise(Failure::new("action", message), place, Retry::Nothing);
    Ok(())
}
