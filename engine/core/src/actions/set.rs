use crate::execution::at::At;
use crate::execution::evaluate::value;
use crate::execution::run::Run;
use crate::net::assign::apply;
use crate::rules::failure::Failure;
use vorgang_definitions::actions::set::Set;

pub fn perform(run: &mut Run, set: &Set, at: At) -> Result<(), Failure> {
    // A state may need the time that is set beside it, and a lock the owner, whatever their order.
    // What the new type wants may stand beside it.
    let (last, first): (Vec<_>, Vec<_>) = set.iter().partition(|(name, _)| matches!(name.as_str(), "state" | "lock" | "type"));
    let (types, last): (Vec<_>, Vec<_>) = last.into_iter().partition(|(name, _)| name.as_str() == "type");
    for (name, given) in first.into_iter().chain(types).chain(last) {
        let value = value(run, given, at)?;
        apply(run, name, value, at.instance())?;
    }
    if run.waits_without_time() {
        let state = &run.snapshot.ticket.state;
        return Err(Failure::new("value", format!("`pending_until`: the state `{state}` needs a time; set another state beside it")));
    }
    Ok(())
}
