//! Findings in definitions: values, all of them at once, each with its place and a way out.

use crate::codes;
use crate::counter_example::Step;
use crate::source::{Sources, Span, floor_char};
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

/// One finding. The message has no capital and no full stop; the author's words stand in backticks.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    pub code: &'static str,
    pub severity: Severity,
    pub span: Span,
    pub message: String,
    pub help: Vec<String>,
    /// A second place that explains the first.
    pub related: Vec<(Span, String)>,
    pub fix: Option<Fix>,
    /// What happens, step by step, until the fault is there.
    pub path: Vec<Step>,
    /// The name that the finding says nothing uses, reaches or knows.
    pub about: Option<String>,
    /// The known name that was probably meant: it is not also unused, unreached or unset because of the slip.
    pub meant: Option<String>,
}

/// A replacement that `check --fix` may make without asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    pub span: Span,
    pub text: String,
}

impl Diagnostic {
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        debug_assert!(codes::known(code), "code `{code}` is not in the registry");
        Self {
            code,
            severity: Severity::Error,
            span,
            message: message.into(),
            help: vec![],
            related: vec![],
            fix: None,
            path: vec![],
            about: None,
            meant: None,
        }
    }

    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    pub fn maybe_help(self, text: Option<String>) -> Self {
        match text {
            Some(text) => self.help(text),
            None => self,
        }
    }

    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// Asks whether the nearest of the known words was meant in the place of `written`; where that is certain, `--fix`
    /// replaces it. `span` is where it stands, perhaps with more around it.
    pub fn suggest<'n>(self, written: &str, known: impl IntoIterator<Item = &'n str>, span: Span, sources: &Sources) -> Self {
        match nearest(written, known) {
            Some(nearest) => self.meant(written, nearest, span, sources),
            None => self,
        }
    }

    /// As [`Diagnostic::suggest`]; where no known word is near, it says this instead.
    pub fn suggest_or<'n>(
        self,
        written: &str,
        known: impl IntoIterator<Item = &'n str>,
        span: Span,
        sources: &Sources,
        otherwise: impl Into<String>,
    ) -> Self {
        match nearest(written, known) {
            Some(nearest) => self.meant(written, nearest, span, sources),
            None => self.help(otherwise),
        }
    }

    pub fn meant(self, written: &str, nearest: Nearest, span: Span, sources: &Sources) -> Self {
        let d = Self { about: Some(written.to_owned()), meant: Some(nearest.word.clone()), ..self }
            .help(format!("did you mean `{}`?", nearest.word));
        let place = sources.slice(span).rfind(written).filter(|_| nearest.certain && !written.is_empty());
        match place {
            Some(at) => {
                let start = span.start + at as u32;
                d.fix(Span { start, end: start + written.len() as u32, ..span }, nearest.word)
            }
            None => d,
        }
    }

    pub fn about(mut self, name: impl Into<String>) -> Self {
        self.about = Some(name.into());
        self
    }

    pub fn path(mut self, steps: &[Step]) -> Self {
        self.path = steps.to_vec();
        self
    }

    pub fn fix(mut self, span: Span, text: impl Into<String>) -> Self {
        self.fix = Some(Fix { span, text: text.into() });
        self
    }
}

/// The candidate that is nearest to a word that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearest {
    pub word: String,
    /// No other is as near, and a slip or two lead to it.
    pub certain: bool,
}

/// The nearest candidate, where one is near enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<Nearest> {
    let length = word.chars().count();
    // One slip in three letters, three at most.
    let limit = |c: &str| (length.max(c.chars().count()) / 3).clamp(1, 3);
    let near = candidates.into_iter().map(|c| (strsim::osa_distance(word, c), c));
    let mut near: Vec<(usize, &str)> = near.filter(|(d, c)| *d <= limit(c) && *d < c.chars().count()).collect();
    near.sort_unstable();
    near.dedup();
    let (distance, word) = *near.first()?;
    let alone = near.get(1).is_none_or(|(other, _)| *other > distance);
    Some(Nearest { word: word.to_owned(), certain: alone && distance <= 2 && length > 2 * distance })
}

/// `did you mean …`, where a candidate is near enough.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|n| format!("did you mean `{}`?", n.word))
}

/// Sorts by place, so that the output does not depend on the order of the checks, and drops twins.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| (a.span, a.code, &a.message).cmp(&(b.span, b.code, &b.message)));
    diagnostics.dedup_by(|a, b| (a.span, a.code, &a.message) == (b.span, b.code, &b.message));
}

/// Codes of findings that are about what is written, and never follow from what another part of the definition lacks.
pub const OF_THE_TEXT: &[&str] = &[
    "bad-language",
    "bad-name",
    "cel-cost",
    "cel-regex",
    "cel-syntax",
    "cel-type",
    "duplicate-definition",
    "duplicate-key",
    "empty-template",
    "no-calendar",
    "out-of-range",
    "sent-by-event",
    "template",
    "unknown-language",
    "unknown-name",
    "unknown-word",
    "wrong-type",
];

/// Codes of findings that follow from a slip in the same definition only.
const OF_THE_DEFINITION: &[&str] = &["activity-unreachable", "may-be-unset", "message-unused", "missing-outcome"];

/// Leaves out what only follows from a slip of the pen: where `opne` was written for `open`, that `open` is not used there, not
/// reached or not known elsewhere. The findings stand in the order in which they were made: definitions before their uses.
pub fn without_echoes(diagnostics: &mut Vec<Diagnostic>, definitions: &[Span]) {
    let inside = |of: Span, at: Span| of.file == at.file && of.start <= at.start && at.end <= of.end;
    let definition = |at: Span| definitions.iter().position(|of| inside(*of, at));
    let mut meant: Vec<(String, Option<usize>)> = vec![];
    diagnostics.retain(|d| {
        let own = definition(d.span);
        let is_local = OF_THE_DEFINITION.contains(&d.code);
        let follows = |about: &String| meant.iter().any(|(word, at)| word == about && (!is_local || *at == own));
        let is_new = !d.about.as_ref().is_some_and(follows);
        if let Some(word) = d.meant.as_ref().filter(|_| is_new) {
            meant.push((word.clone(), own));
        }
        is_new
    });
}

/// Findings that are kept: nobody reads more at once.
const FINDINGS_MAX: usize = 500;

/// Leaves the first, by place, and says that there are more.
pub fn limit(diagnostics: &mut Vec<Diagnostic>) {
    if diagnostics.len() <= FINDINGS_MAX {
        return;
    }
    sort(diagnostics);
    let more = diagnostics.len() - FINDINGS_MAX;
    diagnostics.truncate(FINDINGS_MAX);
    if let Some(last) = diagnostics.last().map(|d| d.span) {
        let d = Diagnostic::error("too-large", last, format!("{more} more findings are not shown"));
        diagnostics.push(d.help("mend the first ones: others may follow from them"));
    }
}

pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|d| d.severity == Severity::Error)
}

/// The text that a person reads in a terminal.
pub fn render_human(sources: &Sources, diagnostics: &[Diagnostic], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for d in diagnostics {
        let source = sources.file(d.span.file);
        let level = match d.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut snippet =
            Snippet::source(&*source.text).path(&source.path).annotation(AnnotationKind::Primary.span(visible(&source.text, d.span)));
        for (span, label) in d.related.iter().filter(|(s, _)| s.file == d.span.file) {
            snippet = snippet.annotation(AnnotationKind::Context.span(visible(&source.text, *span)).label(label.as_str()));
        }
        let mut group = level.primary_title(d.message.as_str()).id(d.code).element(snippet);
        for (span, label) in d.related.iter().filter(|(s, _)| s.file != d.span.file) {
            let (line, column) = sources.line_column(*span);
            let place = format!("{label}: {}:{line}:{column}", sources.file(span.file).path);
            group = group.element(Level::NOTE.message(place));
        }
        for help in &d.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        out.push_str(&renderer.render(&[group]));
        out.push_str("\n\n");
    }
    out
}

/// Cuts a span to its first line: a whole block underlined helps nobody.
fn visible(text: &str, span: Span) -> std::ops::Range<usize> {
    let start = floor_char(text, span.start as usize);
    let end = floor_char(text, span.end as usize).max(start);
    let end = text[start..end].find('\n').map_or(end, |n| start + n);
    let end = if end == start { text[start..].chars().next().filter(|c| *c != '\n').map_or(end, |c| start + c.len_utf8()) } else { end };
    start..end
}

/// The JSON form of `check --format json`; `version` changes when a reader would have to.
pub fn render_json(sources: &Sources, diagnostics: &[Diagnostic]) -> serde_json::Value {
    let place = |span: Span| {
        let (line, column) = sources.line_column(span);
        let (end_line, end_column) = sources.line_column(Span { start: span.end, ..span });
        serde_json::json!({
            "file": sources.file(span.file).path, "line": line, "column": column,
            "end_line": end_line, "end_column": end_column,
        })
    };
    let findings: Vec<_> = diagnostics
        .iter()
        .map(|d| {
            let related: Vec<_> = d.related.iter().map(|(s, l)| serde_json::json!({"place": place(*s), "label": l})).collect();
            let fix = d.fix.as_ref().map(|f| serde_json::json!({"place": place(f.span), "text": f.text}));
            let path: Vec<_> = d.path.iter().map(|s| serde_json::json!({"at": s.at, "what": s.what, "to": s.to})).collect();
            serde_json::json!({
                "code": d.code, "severity": d.severity, "place": place(d.span),
                "message": d.message, "help": d.help, "related": related, "fix": fix, "path": path,
            })
        })
        .collect();
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    serde_json::json!({"version": 1, "errors": errors, "warnings": diagnostics.len() - errors, "findings": findings})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_findings_are_kept_and_the_others_counted() {
        let at = |i: usize| Diagnostic::error("wrong-type", Span::new(0, i, i + 1), "x");
        let mut few: Vec<Diagnostic> = (0..FINDINGS_MAX).map(at).collect();
        limit(&mut few);
        assert_eq!(few.len(), FINDINGS_MAX);
        let mut many: Vec<Diagnostic> = (0..FINDINGS_MAX + 7).rev().map(at).collect();
        limit(&mut many);
        assert_eq!((many.len(), many[0].span.start), (FINDINGS_MAX + 1, 0));
        assert_eq!(many[FINDINGS_MAX].message, "7 more findings are not shown");
    }
}
