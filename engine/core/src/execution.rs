//! One command under way: its context, the working copy of its ticket, and the decision that comes of it.

pub mod ask;
pub mod at;
pub mod changes;
pub mod content;
pub mod context;
pub mod decision;
pub mod evaluate;
pub mod facts;
pub mod peer_command;
pub mod run;
pub mod ticket;
