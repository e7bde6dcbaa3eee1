use crate::decide::run::{Failure, Run};
use crate::event::Event;
use crate::snapshot::Seq;
use crate::who;
use vorgang_definitions::kinds::who::Whos;

pub fn run(run: &mut Run, whos: &Whos, instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
    let people = who::people(whos, &run.scope(instance, work)).map_err(|e| Failure::new("expression", e.to_string()))?;
    for person in people {
        if run.snapshot.watchers.contains(&person) {
            run.emit(Event::WatcherRemoved { person });
        }
    }
    Ok(())
}
