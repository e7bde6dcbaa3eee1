use crate::load::{Load, Loader, Schemas};
use crate::record;
use crate::template::Template;
use crate::yaml::{Node, Value};
use serde_json::json;

record! {
    /// A note with a subject.
    pub struct NoteMap as "`note`" {
        /// The first line.
        subject "subject": Option<Template> = "Reopened";
        /// The text.
        body "body": Template = "The claim was reopened by {{actor.name}}.";
        /// Customers see it too.
        visible "visible": bool = false;
    }
}

/// A text, or a map with a subject.
#[derive(Debug, Clone)]
pub struct Note {
    pub subject: Option<Template>,
    pub body: Template,
    pub visible: bool,
}

impl Load for Note {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        // A map with `body` is a note with a subject, one with language tags is its text.
        json!({"anyOf": [Template::schema(g), NoteMap::schema(g)]})
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match &node.value {
            Value::Map(entries) if entries.iter().any(|e| ["subject", "body", "visible"].contains(&e.key.as_str())) => {
                NoteMap::load(node, cx).map(|m| Self { subject: m.subject, body: m.body, visible: m.visible })
            }
            _ => Template::load(node, cx).map(|body| Self { subject: None, body, visible: false }),
        }
    }
}
