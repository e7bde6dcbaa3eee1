//! The effects of the verbs. Their shapes stand in `vorgang_definitions::actions`, under the same names.

mod account;
mod assign;
mod cancel;
mod complete;
pub(crate) mod create;
mod emit;
mod incident;
mod increment;
mod link;
mod merge;
pub(crate) mod note;
mod notify;
mod reopen;
mod run;
pub(crate) mod set;
mod split;
mod start;
mod undo;
mod unwatch;
mod watch;

use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::state::ids::Seq;
use vorgang_definitions::actions::{Action, Verb};

pub fn run(run: &mut Run, action: &Action, instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
    match &action.verb {
        Verb::Account(a) => account::run(run, a, instance, work),
        Verb::Assign(a) => assign::run(run, a, instance, work),
        Verb::Cancel(a) => cancel::run(run, a, instance, work),
        Verb::Complete(a) => complete::run(run, &a.0, instance),
        Verb::Create(a) => create::run(run, a, action.name.as_ref(), instance, work),
        Verb::Emit(a) => emit::run(run, a, action, instance, work),
        Verb::Incident(a) => incident::run(run, a, instance, work),
        Verb::Increment(a) => increment::run(run, a, instance, work),
        Verb::Link(a) => link::run(run, a, instance, work),
        Verb::Merge(a) => merge::run(run, a, instance, work),
        Verb::Note(a) => note::run(run, a, instance, work),
        Verb::Notify(a) => notify::run(run, a, instance, work),
        Verb::Reopen(a) => reopen::run(run, a, instance, work),
        Verb::Run(a) => run::run(run, a, action, instance, work),
        Verb::Set(a) => set::run(run, a, instance, work),
        Verb::Split(a) => split::run(run, a, action.name.as_ref(), instance, work),
        Verb::Start(a) => start::run(run, a, instance, work),
        Verb::Undo(a) => undo::run(run, a, instance, work),
        Verb::Unwatch(a) => unwatch::run(run, a, instance, work),
        Verb::Watch(a) => watch::run(run, a, instance, work),
    }
}

impl<'a> Run<'a> {
    // --- actions ---------------------------------------------------------------------------------------------------
    /// Runs actions in their order; the caller holds the savepoint.
    pub fn actions(&mut self, list: &[Action], instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
        list.iter().try_for_each(|action| self.action(action, instance, work))
    }

    pub fn action(&mut self, action: &Action, instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
        if let Some(when) = &action.when
            && !self.holds(when, instance, work)?
        {
            return Ok(());
        }
        self.ran(action.at);
        let savepoint = action.on_error.as_ref().map(|_| self.savepoint());
        if let Err(failure) = run(self, action, instance, work) {
            let (Some(others), Some(savepoint)) = (&action.on_error, savepoint) else { return Err(failure) };
            self.roll_back(savepoint);
            self.actions(others, instance, work)?;
        }
        Ok(())
    }
}
