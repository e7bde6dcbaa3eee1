use crate::template::Template;

/// The text of the incident.
pub type Incident = Template;
