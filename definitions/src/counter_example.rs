//! Steps of a counter-example of the proof of soundness.

use std::fmt;

/// One thing that happens on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The activity, or the group, in which it happens.
    pub at: String,
    /// An outcome, a timer, an event; empty where there is nothing to say.
    pub what: String,
    /// Where it goes, where there is a choice.
    pub to: Vec<String>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "`{}`", self.at)?;
        let to = self.to.iter().map(|t| format!("`{t}`")).collect::<Vec<_>>().join(", ");
        match (self.what.as_str(), self.to.is_empty()) {
            ("", true) => Ok(()),
            (what, true) => write!(f, " ({what})"),
            ("", false) => write!(f, " (to {to})"),
            (what, false) => write!(f, " ({what}, to {to})"),
        }
    }
}
