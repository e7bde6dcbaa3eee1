use crate::name::Name;

/// The name of a message that some process declares; what it carries stands beside it in `with`.
pub type Emit = Name;
