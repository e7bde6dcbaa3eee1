use crate::execution::run::Run;
use crate::net::step::moved;
use crate::rules::failure::Failure;
use crate::state::ids::{InstanceId, WorkId};
use crate::state::people::SYSTEM;
use crate::state::snapshot::{WorkItem, WorkStatus};
use vorgang_definitions::actions::complete::Complete;

/// What its people can do now, the system does (C2). What still waits, or failed, is not at that point.
pub fn perform(run: &mut Run, complete: &Complete, instance: Option<InstanceId>) -> Result<(), Failure> {
    let Some(instance) = instance else { return Err(Failure::new("complete", "there is no process here")) };
    let meant = |w: &&WorkItem| w.instance == instance && w.activity == complete.activity.as_str() && w.copy().is_none();
    let open: Vec<WorkId> = run
        .snapshot
        .open_work()
        .filter(meant)
        .filter(|w| matches!(w.status, WorkStatus::Offered | WorkStatus::Started))
        .map(|w| w.seq)
        .collect();
    let copies: Vec<WorkItem> =
        run.snapshot.open_work().filter(|w| meant(w) && w.status == WorkStatus::Running && w.child().is_none()).cloned().collect();
    for token in copies {
        moved(run.complete_copies(&token)?)?;
    }
    for seq in open {
        moved(run.complete(seq, complete.outcome(), &SYSTEM)?)?;
    }
    Ok(())
}
