//! The work, forms and choices that a ticket offers a person.

pub mod choices;
pub mod offered;
pub mod open;
