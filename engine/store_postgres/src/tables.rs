//! Rows other than tickets that the writer writes, one file for each sort.

pub mod deliveries;
pub mod inbox;
pub mod redaction;
pub mod search;
pub mod site;
