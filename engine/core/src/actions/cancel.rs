use crate::decide::run::{Failure, Run};
use crate::event::Event;
use crate::people::SYSTEM;
use crate::snapshot::{Seq, WorkStatus};
use vorgang_definitions::actions::cancel::Cancel;

/// Withdraws the tokens of an activity, or ends the whole instance (C12): nothing follows them. The token that does it
/// goes its own way.
pub fn run(run: &mut Run, name: &Cancel, instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
    let Some(instance) = instance else { return Err(Failure::new("cancel", "there is no process here")) };
    if *name == "instance" {
        run.end_instance(instance, "cancelled");
        return Ok(());
    }
    let meant = |w: &&crate::snapshot::WorkItem| w.instance == instance && w.activity == name.as_str() && Some(w.seq) != work;
    let open: Vec<Seq> = run.snapshot.open_work().filter(meant).map(|w| w.seq).collect();
    for seq in open {
        run.emit(Event::WorkEnded { seq, status: WorkStatus::Cancelled, outcome: None, by: SYSTEM.into(), at: run.ctx.now });
    }
    // Where no token acts, none may be left.
    if work.is_none() {
        run.end_instance_if_idle(instance);
    }
    Ok(())
}
