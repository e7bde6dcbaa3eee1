//! Load, decide, commit: the engine with a store, a clock and people. Everything that changes a ticket goes
//! through [`Desk::execute`].

pub mod accounts;
mod attention;
pub mod audit;
pub mod brake;
pub mod checkpoints;
pub mod clock;
pub mod courier;
pub mod delivery;
pub mod demo;
mod desk;
pub mod desk_events;
mod erase;
pub mod intake;
pub mod jobs;
mod lane;
pub mod limiter;
pub mod live;
mod locks;
pub mod measures;
pub mod nodes;
mod numbers;
pub mod outbox;
pub mod programs;
pub mod quota;
pub mod revisions;
pub mod scales;
pub mod search;
pub mod secrets;
pub mod security;
pub mod threads;
pub mod timers;
pub mod told;
pub mod trace;
pub mod transfer;
pub mod view;
pub mod wake;
mod wakes;

pub use desk::{Answer, Desk, Done, Error, Idempotent, Points, Request, random, sha256};
