use crate::duration_text::DurationText;
use crate::load::{Load, Loader, Named, Schemas};
use crate::name::Name;
use crate::record;
use crate::value_expr::ValueExpr;
use crate::yaml::{Node, Value};
use serde_json::json;

record! {
    /// A program that the server's configuration names; it gets JSON on its standard input, and what it writes is data.
    pub struct Run<S> as "`run`" {
        /// Its name in the configuration: definitions never say where a program lies.
        program "program": Name = "stop_host";
        /// What it is given, under these names.
        with "with": Named<ValueExpr<S>> = { "host": "= ticket.title" };
        /// Where what it writes goes: a field or a value of the process for all of it, or for each a key of the JSON object that it writes.
        into "into": Option<Returns> = { "count": "stopped" };
        /// How long it may take; thirty seconds if not written, ten minutes at most.
        limit "limit": Option<DurationText> = "5m";
    }
}

/// Fields, each with the key of the output's object; one field without a key takes all of the output.
#[derive(Debug, Clone)]
pub struct Returns(pub Vec<(Name, Option<Name>)>);

crate::plain!(Returns);

impl Load for Returns {
    fn schema(g: &mut Schemas) -> serde_json::Value {
        json!({"anyOf": [Name::schema(g), <Named<Name> as Load>::schema(g)]})
    }

    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match &node.value {
            Value::Map(_) => {
                let fields = <Named<Name> as Load>::load(node, cx)?;
                Some(Self(fields.iter().map(|(field, key)| (field.clone(), Some(key.clone()))).collect()))
            }
            _ => Name::load(node, cx).map(|field| Self(vec![(field, None)])),
        }
    }
}
