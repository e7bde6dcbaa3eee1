use crate::execution::at::At;
use crate::execution::evaluate::people;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use vorgang_definitions::kinds::who::Whos;

pub fn perform(run: &mut Run, whos: &Whos, at: At) -> Result<(), Failure> {
    for person in people(run, whos, at)? {
        run.watch(person, true);
    }
    Ok(())
}
