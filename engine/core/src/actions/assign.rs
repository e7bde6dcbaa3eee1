use super::{set, value};
use crate::decide::run::{Failure, Run};
use crate::snapshot::Seq;
use vorgang_definitions::actions::assign::Assign;

pub fn run(run: &mut Run, assign: &Assign, instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
    for (name, given) in [("owner", &assign.owner), ("responsible", &assign.responsible)] {
        if let Some(given) = given {
            let value = value(run, given, instance, work)?;
            set::apply(run, name, value, instance)?;
        }
    }
    Ok(())
}
