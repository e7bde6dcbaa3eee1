use crate::name::Name;

/// The notification to send.
pub type Notify = Name;
