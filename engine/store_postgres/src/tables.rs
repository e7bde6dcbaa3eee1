//! What the writer writes beside tickets: one file for each sort of row.

pub mod inbox;
pub mod redaction;
pub mod search;
pub mod site;
