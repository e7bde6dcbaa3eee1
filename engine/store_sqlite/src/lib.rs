//! The store on SQLite: one writer thread with group commit, some readers.

mod checkpoint;
mod checkpoints;
mod claims;
mod connection;
mod courier;
mod deliveries;
mod desk_events;
mod due;
mod filter_sql;
mod health;
mod inbox;
mod jobs;
mod measures;
mod messages;
mod names;
mod nodes;
mod open;
mod read;
mod reads;
mod redaction;
mod rows;
mod search;
mod security;
mod site;
mod store;
mod tables;
mod transfer;
mod writer;

pub use open::SqliteStore;
pub use transfer::{SqliteSource, SqliteTarget};
