//! Reactions to events: handlers, watched changes, messages, notifications, until nothing more happens.

pub mod family;
pub mod handle;
pub mod job;
pub mod look;
pub mod messages;
pub mod rest;
pub mod tell;
