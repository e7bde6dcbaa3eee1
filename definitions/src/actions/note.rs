use crate::load::{Load, Loader, Schemas};
use crate::phase::{Compile, Compiled, Parts, Phase, TemplateOf, Written};
use crate::record;
use crate::source::Span;
use crate::template::WrittenTemplate;
use crate::yaml::{Node, Value};
use serde_json::json;

record! {
    /// A note with a subject.
    pub struct NoteMap<S> as "`note`" {
        /// The first line.
        subject "subject": Option<TemplateOf<S>> = "Reopened";
        /// The text.
        body "body": TemplateOf<S> = "The claim was reopened by {{actor.name}}.";
        /// Customers see it too.
        visible "visible": bool = false;
    }
}

/// A text, or a map with a subject.
#[derive(Debug, Clone)]
pub struct Note<S: Phase = Compiled> {
    pub subject: Option<TemplateOf<S>>,
    pub body: TemplateOf<S>,
    pub visible: bool,
}

impl Compile for Note<Written> {
    type Compiled = Note;
    fn compile(self, parts: &Parts) -> Result<Note, Span> {
        Ok(Note { subject: self.subject.compile(parts)?, body: self.body.compile(parts)?, visible: self.visible })
    }
}

impl Load for Note<Written> {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        // A map with `body` is a note with a subject, one with language tags is its text.
        json!({"anyOf": [WrittenTemplate::schema(g), NoteMap::schema(g)]})
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match &node.value {
            Value::Map(entries) if entries.iter().any(|e| ["subject", "body", "visible"].contains(&e.key.as_str())) => {
                NoteMap::load(node, cx).map(|m| Self { subject: m.subject, body: m.body, visible: m.visible })
            }
            _ => WrittenTemplate::load(node, cx).map(|body| Self { subject: None, body, visible: false }),
        }
    }
}
