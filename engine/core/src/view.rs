//! What a person may see and do on a ticket.

pub mod choices;
pub mod offered;
pub mod open;
