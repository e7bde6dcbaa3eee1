//! The store on PostgreSQL 15 or newer: batches of commits, any number of nodes.

mod arg;
mod batch;
mod checkpoints;
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
mod migrate;
mod names;
mod node;
mod nodes;
mod people;
mod read;
mod redaction;
mod rows;
mod search;
mod security;
mod server;
mod site;
mod store;
mod tables;
mod transfer;
mod write;
mod writer;

pub use store::PostgresStore;
pub use transfer::{PostgresSource, PostgresTarget};
