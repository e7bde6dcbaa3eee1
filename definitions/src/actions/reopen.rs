use crate::name::Name;

/// The activity to go back to.
pub type Reopen = Name;
