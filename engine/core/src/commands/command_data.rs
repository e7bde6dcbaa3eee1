//! The interface of commands.

use crate::execution::context::Context;
use crate::execution::decision::{Decision, Stop};
use crate::execution::run::Run;
use crate::rules::rejection::Rejection;
use vorgang_definitions::model::Model;

/// A command on a ticket.
pub trait ChangesTicket {
    /// As histories have it.
    const WORD: &'static str;
    /// Only the engine itself gives it.
    const INTERNAL: bool = false;

    fn perform(&self, run: &mut Run) -> Result<(), Rejection>;
}

/// A command that makes tickets.
pub trait CreatesTicket {
    const WORD: &'static str;
    const INTERNAL: bool = false;
    /// How many of the numbers for new tickets its first ticket takes: none where it has a number of its own.
    const NUMBERS: usize = 0;

    fn decide(&self, model: &Model, ctx: &Context) -> Result<Decision, Stop>;
}
