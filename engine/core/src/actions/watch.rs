use crate::execution::evaluate::people;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::state::ids::Seq;
use vorgang_definitions::kinds::who::Whos;

pub fn run(run: &mut Run, whos: &Whos, instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
    for person in people(run, whos, instance, work)? {
        run.watch(person, true);
    }
    Ok(())
}
