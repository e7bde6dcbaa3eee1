//! Names: `[a-z][a-z0-9_]{0,62}`, no word of CEL and none that the language keeps for itself.

use crate::diagnostic::Diagnostic;
use crate::load::{Load, Loader, NAME_PATTERN, Schemas, is_name};
use crate::source::Span;
use crate::yaml::{Entry, Node, Value};
use std::sync::Arc;

/// A name and where it was written. Two names are equal when their words are.
#[derive(Debug, Clone)]
pub struct Name {
    pub text: Arc<str>,
    pub span: Span,
}

/// Words that expressions or the language itself need.
pub const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "stay",
    "true",
    "var",
    "void",
    "while",
];

impl Name {
    pub fn new(text: &str) -> Self {
        Self { text: text.into(), span: Span::default() }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn from_key(entry: &Entry, cx: &mut Loader) -> Option<Self> {
        check(&entry.key, entry.key_span, cx).then(|| Self { text: entry.key.as_str().into(), span: entry.key_span })
    }
}

fn check(text: &str, span: Span, cx: &mut Loader) -> bool {
    if RESERVED.contains(&text) {
        cx.push(Diagnostic::error("bad-name", span, format!("`{text}` is a reserved word")));
        return false;
    }
    if !is_name(text) {
        let mut better: String = text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(63).collect();
        better = better.trim_matches('_').to_owned();
        let d = Diagnostic::error("bad-name", span, format!("`{text}` is not a name"))
            .help("a name begins with a small letter and has small letters, digits and `_`; what people read is `title`");
        let d = if is_name(&better) { d.help(format!("for example `{better}`")) } else { d };
        cx.push(d);
        return false;
    }
    true
}

impl Load for Name {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        g.define("Name", |_| serde_json::json!({"type": "string", "pattern": NAME_PATTERN}))
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match &node.value {
            Value::Text(text) => check(text, node.span, cx).then(|| Self { text: text.as_str().into(), span: node.span }),
            _ => {
                cx.wrong_type(node, "a name");
                None
            }
        }
    }
}

impl std::ops::Deref for Name {
    type Target = str;
    fn deref(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Name {}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        &*self.text == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        &*self.text == *other
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}
