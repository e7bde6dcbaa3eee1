//! The API: JSON in, JSON out, errors as problem documents.

mod answers;
pub mod articles;
pub mod body;
pub mod choices;
mod commands;
pub mod events;
pub mod incidents;
mod inputs;
pub mod operation;
pub mod processes;
pub mod related;
pub mod security;
pub mod tickets;
pub mod work;
