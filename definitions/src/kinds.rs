//! The kinds of definitions: one file each, one line each in [`Kind`].

pub mod acl;
pub mod auto_response;
pub mod branch;
pub mod calendar;
pub mod decision;
pub mod field;
pub mod function;
pub mod group;
pub mod handler;
pub mod job;
pub mod kind;
pub mod mail_account;
pub mod mail_filter;
pub mod message;
pub mod notification;
pub mod priority;
pub mod process;
pub mod queue;
pub mod role;
pub mod several;
pub mod site;
pub mod state;
pub mod sub_process;
pub mod test;
pub mod ticket_type;
pub mod timer;
pub mod who;

use crate::diagnostic::Diagnostic;
use crate::kinds::kind::Kind;
use crate::load::{Load, Loader, Schemas};
use crate::name::Name;
use crate::phase::Written;
use crate::source::Span;
use crate::yaml::{Node, Value};
use serde_json::{Value as Json, json};

/// Kinds whose names are kept for later versions.
pub const RESERVED: &[&str] =
    &["ConfigItemClass", "Dashboard", "FaqCategory", "Package", "Page", "Report", "Service", "Sla", "Survey", "Webservice"];

macro_rules! definitions {
    ($($kind:ident $word:literal $ty:ty, $doc:literal;)*) => {
        /// One definition of any kind.
        #[derive(Debug, Clone)]
        pub enum Definition { $($kind($ty),)* }

        impl Kind {
            pub fn schema(self, g: &mut Schemas) -> Json {
                match self { $(Self::$kind => <$ty as Load>::schema(g),)* }
            }
            pub fn keys(self) -> &'static [&'static str] {
                match self { $(Self::$kind => <$ty>::KEYS,)* }
            }
            fn load(self, node: &Node, cx: &mut Loader) -> Option<Definition> {
                match self { $(Self::$kind => <$ty as Load>::load(node, cx).map(Definition::$kind),)* }
            }
        }

        impl Definition {
            pub fn name(&self) -> &Name {
                match self { $(Self::$kind(d) => &d.name,)* }
            }
            pub fn kind(&self) -> Kind {
                match self { $(Self::$kind(_) => Kind::$kind,)* }
            }
            pub fn span(&self) -> Span {
                match self { $(Self::$kind(d) => d.at,)* }
            }
        }
    };
}

kind::kinds!(definitions);

/// Loads one definition; dispatched on `kind` first, so that findings speak of that kind only.
pub fn load(node: &Node, cx: &mut Loader) -> Option<Definition> {
    let Value::Map(_) = &node.value else {
        cx.wrong_type(node, "a definition: a map with `kind` and `name`");
        return None;
    };
    let Some(kind_node) = node.get("kind") else {
        let span = Span { end: node.span.start + 1, ..node.span };
        let words = Kind::WORDS.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
        cx.push(Diagnostic::error("missing-key", span, "a definition needs the key `kind`").help(format!("kinds are {words}")));
        return None;
    };
    let Value::Text(word) = &kind_node.value else {
        cx.wrong_type(kind_node, "the name of a kind");
        return None;
    };
    let Some(kind) = Kind::from_word(word) else {
        let mut d = Diagnostic::error("unknown-kind", kind_node.span, format!("there is no kind `{word}`"));
        d = if RESERVED.contains(&word.as_str()) {
            d.help("the name is kept for a later version; this one does not know it yet")
        } else {
            let words = Kind::WORDS.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
            d.suggest_or(word, Kind::WORDS.iter().copied(), kind_node.span, cx.sources, format!("kinds are {words}"))
        };
        cx.push(d);
        return None;
    };
    kind.load(node, cx)
}

/// The JSON Schema of one kind, or of a whole file. `draft` is `2020-12` or `7`.
pub fn json_schema(kind: Option<Kind>, draft7: bool) -> Json {
    let mut g = Schemas::default();
    let mut branches = vec![];
    for k in Kind::ALL.iter().filter(|k| kind.is_none_or(|only| only == **k)) {
        let reference = k.schema(&mut g);
        if let Some(definition) = reference["$ref"].as_str().and_then(|r| g.defs.get_mut(r.trim_start_matches("#/$defs/"))) {
            definition["properties"]["kind"]["const"] = k.word().into();
            definition["title"] = k.word().into();
        }
        branches.push((k.word(), reference));
    }
    let words: Vec<_> = branches.iter().map(|(w, _)| *w).collect();
    let cases: Vec<_> =
        branches.iter().map(|(w, r)| json!({"if": {"properties": {"kind": {"const": w}}, "required": ["kind"]}, "then": r})).collect();
    let definition = json!({
        "type": "object", "required": ["kind"], "properties": {"kind": {"enum": words}}, "allOf": cases,
        "description": "One definition; `kind` says of what."
    });
    g.defs.insert("Definition".into(), definition);
    let title = kind.map_or("vorgang definitions".to_owned(), |k| format!("vorgang {}", k.word()));
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": "A file holds one definition, or a list of definitions.",
        "anyOf": [{"$ref": "#/$defs/Definition"}, {"type": "array", "items": {"$ref": "#/$defs/Definition"}}],
        "$defs": g.defs,
    });
    if draft7 { to_draft7(schema) } else { schema }
}

/// Draft 7 calls `$defs` `definitions` and ignores what stands beside a `$ref`.
fn to_draft7(schema: Json) -> Json {
    match schema {
        Json::Object(map) => {
            let mut out = serde_json::Map::new();
            let beside = map.contains_key("$ref") && map.len() > 1;
            for (key, value) in map {
                let value = match (key.as_str(), value) {
                    ("$schema", _) => json!("http://json-schema.org/draft-07/schema#"),
                    ("$ref", Json::String(r)) if beside => {
                        out.insert("allOf".into(), json!([{"$ref": r.replace("#/$defs/", "#/definitions/")}]));
                        continue;
                    }
                    ("$ref", Json::String(r)) => r.replace("#/$defs/", "#/definitions/").into(),
                    (_, value) => to_draft7(value),
                };
                out.insert(if key == "$defs" { "definitions".into() } else { key }, value);
            }
            Json::Object(out)
        }
        Json::Array(items) => items.into_iter().map(to_draft7).collect(),
        other => other,
    }
}
