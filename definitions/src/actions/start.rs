use crate::name::Name;

/// The process to start.
pub type Start = Name;
