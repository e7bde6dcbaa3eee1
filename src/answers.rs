//! The answers of a running server to other commands.

pub mod job;
pub mod mail;
