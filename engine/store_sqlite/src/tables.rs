//! Rows other than tickets that the writer writes or that are read with a ticket, one file for each sort.

pub mod calls;
pub mod courier;
pub mod deliveries;
pub mod desk_events;
pub mod inbox;
pub mod messages;
pub mod redaction;
pub mod search;
pub mod site;
