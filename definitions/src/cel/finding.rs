//! Findings inside an expression.

use crate::diagnostic::{Diagnostic, Nearest};
use crate::source::{Sources, Span};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub code: &'static str,
    pub start: usize,
    pub end: usize,
    pub message: String,
    pub help: Option<String>,
    /// The word that is not known, or the last part of a path that may be unset.
    pub about: Option<String>,
    /// A word in it that is not known, and the known one that is nearest.
    pub meant: Option<(String, Nearest)>,
}

impl Finding {
    /// A way out, where one is known.
    pub fn way_out(&self) -> Option<String> {
        self.help.clone().or_else(|| self.meant.as_ref().map(|(_, nearest)| format!("did you mean `{}`?", nearest.word)))
    }

    /// The finding at its place in a file, with its ways out.
    pub fn at(self, span: Span, sources: &Sources) -> Diagnostic {
        let mut d = Diagnostic::error(self.code, span, self.message).maybe_help(self.help);
        d.about = self.about;
        let Some((written, nearest)) = self.meant else { return d };
        d.meant(&written, nearest, span, sources)
    }
}
