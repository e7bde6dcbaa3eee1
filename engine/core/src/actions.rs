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

pub fn perform_verb(run: &mut Run, action: &Action, at: At) -> Result<(), Failure> {
    match &action.verb {
        Verb::Account(a) => account::perform(run, a, at),
        Verb::Assign(a) => assign::perform(run, a, at),
        Verb::Cancel(a) => cancel::perform(run, a, at),
        Verb::Complete(a) => complete::perform(run, &a.0, at.instance()),
        Verb::Create(a) => create::perform(run, a, action.name.as_ref(), at),
        Verb::Emit(a) => emit::perform(run, a, action, at),
        Verb::Incident(a) => incident::perform(run, a, at),
        Verb::Increment(a) => increment::perform(run, a, at),
        Verb::Link(a) => link::perform(run, a, at),
        Verb::Merge(a) => merge::perform(run, a, at),
        Verb::Note(a) => note::perform(run, a, at),
        Verb::Notify(a) => notify::perform(run, a, at),
        Verb::Reopen(a) => reopen::perform(run, a, at),
        Verb::Run(a) => run::perform(run, a, action, at),
        Verb::Set(a) => set::perform(run, a, at),
        Verb::Split(a) => split::perform(run, a, action.name.as_ref(), at),
        Verb::Start(a) => start::perform(run, a),
        Verb::Undo(a) => undo::perform(run, a, at),
        Verb::Unwatch(a) => unwatch::perform(run, a, at),
        Verb::Watch(a) => watch::perform(run, a, at),
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
        if let Err(failure) = perform_verb(self, action, at) {
            let (Some(others), Some(savepoint), false) = (&action.on_error, savepoint, self.is_void()) else { return Err(failure) };
            self.roll_back(savepoint);
            self.actions(others, at)?;
        }
        Ok(())
    }
}
