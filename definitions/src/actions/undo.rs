use crate::name::Name;

/// The name of an activity, or `instance`.
pub type Undo = Name;
