use crate::commands::merge;
use crate::execution::evaluate::value;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::state::ids::Seq;
use vorgang_definitions::actions::merge::Merge;

pub fn run(run: &mut Run, action: &Merge, instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
    let into = value(run, &action.into, instance, work)?;
    let number = into.as_ref().and_then(|v| v.as_text()).unwrap_or_default().to_owned();
    merge::merge(run, &number, false, instance).map_err(|e| e.failure(&number))
}
