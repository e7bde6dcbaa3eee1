use crate::commands::merge;
use crate::execution::at::At;
use crate::execution::evaluate::value;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::state::ids::TicketNumber;
use vorgang_definitions::actions::merge::Merge;

pub fn perform(run: &mut Run, action: &Merge, at: At) -> Result<(), Failure> {
    let into = value(run, &action.into, at)?;
    let number = TicketNumber::from(into.as_ref().and_then(|v| v.as_text()).unwrap_or_default());
    merge::merge(run, &number, false, at.instance()).map_err(|e| e.failure(&number))
}
