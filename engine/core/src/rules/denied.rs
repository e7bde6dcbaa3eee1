//! A denial by an ACL, with its reason.

use std::collections::BTreeMap;
use vorgang_definitions::text::Text;

/// The ACL that takes something away, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Denied {
    pub acl: String,
    pub because: Option<Text>,
    pub site_language: String,
    /// Its condition, and what that read. None where it always holds.
    pub condition: Option<String>,
    pub values: BTreeMap<String, String>,
    /// The condition could not be evaluated: a doubt takes away, and never gives back.
    pub error: Option<String>,
}

impl Denied {
    /// One sentence for a person.
    pub fn say(&self, language: &str) -> String {
        match (&self.because, language.starts_with("de")) {
            (Some(text), _) => text.get(language, &self.site_language).to_owned(),
            (None, true) => format!("die Regel `{}` lässt es nicht zu", self.acl),
            (None, false) => format!("the rule `{}` does not allow it", self.acl),
        }
    }
}
