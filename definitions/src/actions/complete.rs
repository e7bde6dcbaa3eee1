use crate::load::{Load, Loader, Schemas};
use crate::name::Name;
use crate::record;
use crate::yaml::{Node, Value};
use serde_json::json;

record! {
    /// An activity, and the outcome with which it is completed.
    pub struct Complete as "`complete`" {
        /// The activity.
        activity "activity": Name = "approve";
        /// Its outcome; `done` if not written.
        outcome "outcome": Option<Name> = "approve";
    }
}

/// The name of an activity, or with an outcome.
#[derive(Debug, Clone)]
pub struct Completes(pub Complete);

crate::plain!(Completes);

impl Load for Completes {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        json!({"anyOf": [Name::schema(g), Complete::schema(g)]})
    }

    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match &node.value {
            Value::Map(_) => Complete::load(node, cx).map(Self),
            _ => Name::load(node, cx).map(|activity| Self(Complete { at: node.span, activity, outcome: None })),
        }
    }
}

impl Complete {
    pub fn outcome(&self) -> &str {
        self.outcome.as_deref().unwrap_or("done")
    }
}
