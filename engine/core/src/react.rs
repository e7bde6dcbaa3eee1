//! Reactions to events: handlers, watched changes, messages, notifications, until nothing more happens.

pub mod completion;
pub mod family;
pub mod handle;
pub mod job;
pub mod messages;
pub mod tell;
pub mod watched_changes;
