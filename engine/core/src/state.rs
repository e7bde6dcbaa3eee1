//! Rows and events of a ticket, and `apply`, the only function that changes them. Imports from no other floor.

pub mod apply;
pub mod article;
pub mod attachment;
pub mod attributes;
pub mod chain;
pub mod desk_event;
pub mod event;
pub mod event_data;
pub mod happening;
pub mod ids;
pub mod linked;
pub mod mail;
pub mod message;
pub mod notice;
pub mod people;
pub mod security;
pub mod snapshot;
pub mod text;
pub mod timer;
pub mod touched;
