//! The pure engine: `decide` turns a command into events, `apply` is the only thing that changes state.
//! No clock, no I/O, no randomness, no async.

pub mod acl;
pub mod apply;
pub mod chain;
pub mod changes;
pub mod command;
pub mod coverage;
pub mod decide;
pub mod desk_event;
pub mod event;
pub mod facts;
pub mod filter;
pub mod follow_up;
pub mod happening;
pub mod intake;
pub mod mail;
pub mod message;
pub mod people;
pub mod pushdown;
pub mod recipients;
pub mod rejection;
pub mod rights;
pub mod scope;
pub mod security;
pub mod snapshot;
pub mod story;
pub mod text;
mod who;

mod actions;

pub use command::{Command, Context};
pub use decide::{Decision, decide};
pub use event::Event;
pub use rejection::Rejection;
pub use snapshot::Snapshot;
