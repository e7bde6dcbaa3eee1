use crate::phase::{Compiled, TemplateOf};

/// The text of the incident.
pub type Incident<S = Compiled> = TemplateOf<S>;
