//! What the writer writes beside tickets, and what is read with them: one file for each sort of row.

pub mod calls;
pub mod courier;
pub mod desk_events;
pub mod inbox;
pub mod messages;
pub mod redaction;
pub mod search;
pub mod site;
