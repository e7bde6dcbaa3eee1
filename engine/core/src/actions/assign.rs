use crate::execution::at::At;
use crate::execution::evaluate::value;
use crate::execution::run::Run;
use crate::net::assign;
use crate::rules::failure::Failure;
use vorgang_definitions::actions::assign::Assign;

pub fn perform(run: &mut Run, assign: &Assign, at: At) -> Result<(), Failure> {
    for (name, given) in [("owner", &assign.owner), ("responsible", &assign.responsible)] {
        if let Some(given) = given {
            let value = value(run, given, at)?;
            assign::apply(run, name, value, at.instance())?;
        }
    }
    Ok(())
}
