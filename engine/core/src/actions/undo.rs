use crate::execution::at::At;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::state::event::{Event, StepUndone};
use vorgang_definitions::actions::undo::Undo;

/// Runs the `compensate` of what is completed, the last one first, once each (C12).
pub fn perform(run: &mut Run, name: &Undo, at: At) -> Result<(), Failure> {
    let Some(instance) = at.instance() else { return Err(Failure::new("undo", "there is no process here")) };
    let Some(process) = run.process_of(instance) else { return Ok(()) };
    let group = process.def.groups.position(name);
    let meant = |activity: &str| *name == "instance" || *name == activity || group.is_some_and(|g| process.net.is_in(activity, g));
    let mut steps: Vec<(u32, String)> = run
        .snapshot
        .steps
        .iter()
        .filter(|s| s.instance == instance && !s.undone && meant(&s.activity))
        .map(|s| (s.order, s.activity.clone()))
        .collect();
    steps.sort_unstable_by(|a, b| b.cmp(a));
    for (_, activity) in steps {
        let Some(def) = process.def.activities.get(&activity).filter(|a| !a.compensate.is_empty()) else { continue };
        run.emit(Event::StepUndone(StepUndone { instance, activity }));
        run.actions(&def.compensate, at)?;
    }
    Ok(())
}
