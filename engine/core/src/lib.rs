//! The pure engine: `decide` turns a command into events, `apply` is the only thing that changes state.
//! No clock, no I/O, no randomness, no async.

mod actions;
pub mod commands;
pub mod coverage;
mod dispatch;
mod execution;
mod net;
mod react;
mod rules;
mod state;
pub mod story;
mod view;

pub use commands::Command;
pub use commands::{create_ticket, start_process, steer};
pub use dispatch::decide;
pub use execution::context::Context;
pub use execution::decision::Decision;
pub use execution::{changes, context, decision, facts};
pub use net::{life_cycle, mutex, voters};
pub use react::tell;
pub use rules::rejection::Rejection;
pub use rules::{acl, denied, failure, filter, follow_up, intake, pushdown, recipients, rejection, rights, scope, slots, trace};
pub use state::event::Event;
pub use state::snapshot::Snapshot;
pub use state::{
    apply, article, attachment, attributes, chain, desk_event, event, happening, ids, linked, mail, message, notice, people, security,
    snapshot, text, timer,
};
pub use view::{choices, offered, open};
