//! Texts for people: one string in the site's language, or a map of language tags.

use crate::diagnostic::Diagnostic;
use crate::load::{Load, Loader, Schemas};
use crate::source::Span;
use crate::yaml::{Entry, Node, Value};
use serde_json::json;

#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    pub span: Span,
    /// (language tag, text, place); the tag is empty for a plain string.
    pub values: Vec<(String, String, Span)>,
}

impl Text {
    pub fn plain(text: &str) -> Self {
        Self { span: Span::default(), values: vec![(String::new(), text.to_owned(), Span::default())] }
    }

    /// The text in `language`, else in the site's own, else the first.
    pub fn get(&self, language: &str, site_language: &str) -> &str {
        let find = |tag: &str| self.values.iter().find(|(l, ..)| l == tag).map(|(_, t, _)| t.as_str());
        find(language).or_else(|| find(site_language)).or_else(|| find("")).or(self.values.first().map(|v| v.1.as_str())).unwrap_or("")
    }
}

pub const LANGUAGE_PATTERN: &str = "^[a-z]{2,3}(-[A-Z]{2})?$";

pub fn is_language(tag: &str) -> bool {
    let (language, region) = tag.split_once('-').map_or((tag, None), |(l, r)| (l, Some(r)));
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && region.is_none_or(|r| r.len() == 2 && r.bytes().all(|b| b.is_ascii_uppercase()))
}

impl Load for Text {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        g.define("Text", |_| {
            json!({
                "description": "A text in the site's language, or a map from language tags to texts.",
                "anyOf": [
                    {"type": "string", "minLength": 1},
                    {"type": "object", "minProperties": 1, "propertyNames": {"pattern": LANGUAGE_PATTERN},
                     "additionalProperties": {"type": "string", "minLength": 1}}
                ]
            })
        })
    }

    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        cut(node, cx);
        match &node.value {
            Value::Text(t) if !t.is_empty() => Some(Self { span: node.span, values: vec![(String::new(), t.clone(), node.span)] }),
            Value::Map(entries) if !entries.is_empty() => {
                entries.iter().for_each(|e| cut(&e.value, cx));
                let load = |e: &Entry, cx: &mut Loader| match &e.value.value {
                    Value::Text(t) if !t.is_empty() && is_language(&e.key) => Some((e.key.clone(), t.clone(), e.value.span)),
                    Value::Text(t) if !t.is_empty() => {
                        let d = Diagnostic::error("bad-language", e.key_span, format!("`{}` is not a language tag", e.key));
                        cx.push(d.help("a text is a string, or a map such as `{ en: Expense, de: Spesen }`"));
                        None
                    }
                    _ => {
                        cx.wrong_type(&e.value, "a text");
                        None
                    }
                };
                let values = cx.each(entries, load);
                (!values.is_empty()).then_some(Self { span: node.span, values })
            }
            _ => {
                cx.wrong_type(node, "a text, or a map from languages to texts");
                None
            }
        }
    }
}

/// In YAML ` #` begins a comment. One right behind a text, without a blank after `#` or with a variable in it, was meant as
/// a part of the text.
fn cut(node: &Node, cx: &mut Loader) {
    let Value::Text(_) = node.value else { return };
    // A text in quotes, or over several lines, ends where its author ends it.
    let raw = cx.sources.slice(node.span);
    if raw.starts_with(['"', '\'', '|', '>']) {
        return;
    }
    let Some(comment) = cx.sources.comment_behind(node.span) else { return };
    if comment.contains("{{") || comment.starts_with(|c: char| !c.is_whitespace() && c != '#') {
        let d = Diagnostic::warning("text-cut", node.span, "the text ends here: YAML reads ` #` and what follows as a comment");
        cx.push(d.help("put the whole text in quotes; a comment has a blank after `#`"));
    }
}
