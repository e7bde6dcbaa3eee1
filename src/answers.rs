//! What a running server does for other commands.

pub mod job;
pub mod mail;
