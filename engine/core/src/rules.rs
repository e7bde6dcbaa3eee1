//! Rights, ACLs, filters, and the values that expressions read. Pure functions of rows and definitions.

pub mod acl;
pub mod denied;
pub mod failure;
pub mod filter;
pub mod follow_up;
pub mod happening_scope;
pub mod intake;
pub mod pushdown;
pub mod recipients;
pub mod rejection;
pub mod rights;
pub mod scope;
pub mod slots;
pub mod trace;
pub mod who;
