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

use crate::execution::at::At;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use vorgang_definitions::actions::{Action, Verb};

pub fn run(run: &mut Run, action: &Action, at: At) -> Result<(), Failure> {
    match &action.verb {
        Verb::Account(a) => account::run(run, a, at),
        Verb::Assign(a) => assign::run(run, a, at),
        Verb::Cancel(a) => cancel::run(run, a, at),
        Verb::Complete(a) => complete::run(run, &a.0, at.instance()),
        Verb::Create(a) => create::run(run, a, action.name.as_ref(), at),
        Verb::Emit(a) => emit::run(run, a, action, at),
        Verb::Incident(a) => incident::run(run, a, at),
        Verb::Increment(a) => increment::run(run, a, at),
        Verb::Link(a) => link::run(run, a, at),
        Verb::Merge(a) => merge::run(run, a, at),
        Verb::Note(a) => note::run(run, a, at),
        Verb::Notify(a) => notify::run(run, a, at),
        Verb::Reopen(a) => reopen::run(run, a, at),
        Verb::Run(a) => run::run(run, a, action, at),
        Verb::Set(a) => set::run(run, a, at),
        Verb::Split(a) => split::run(run, a, action.name.as_ref(), at),
        Verb::Start(a) => start::run(run, a),
        Verb::Undo(a) => undo::run(run, a, at),
        Verb::Unwatch(a) => unwatch::run(run, a, at),
        Verb::Watch(a) => watch::run(run, a, at),
    }
}

impl<'a> Run<'a> {
    // --- actions ---------------------------------------------------------------------------------------------------
    /// Runs actions in their order; the caller holds the savepoint.
    pub fn actions(&mut self, list: &[Action], at: At) -> Result<(), Failure> {
        list.iter().try_for_each(|action| self.action(action, at))
    }

    pub fn action(&mut self, action: &Action, at: At) -> Result<(), Failure> {
        if let Some(when) = &action.when
            && !self.holds(when, at)?
        {
            return Ok(());
        }
        self.ran(action.at);
        let savepoint = action.on_error.as_ref().map(|_| self.savepoint());
        if let Err(failure) = run(self, action, at) {
            let (Some(others), Some(savepoint)) = (&action.on_error, savepoint) else { return Err(failure) };
            self.roll_back(savepoint);
            self.actions(others, at)?;
        }
        Ok(())
    }
}
