use crate::execution::evaluate::value;
use crate::execution::run::Run;
use crate::net::assign;
use crate::rules::failure::Failure;
use crate::state::ids::Seq;
use vorgang_definitions::actions::assign::Assign;

pub fn run(run: &mut Run, assign: &Assign, instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
    for (name, given) in [("owner", &assign.owner), ("responsible", &assign.responsible)] {
        if let Some(given) = given {
            let value = value(run, given, instance, work)?;
            assign::apply(run, name, value, instance)?;
        }
    }
    Ok(())
}
