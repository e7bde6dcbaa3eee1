use crate::cel::types::Ty;
use crate::cel::value::Value;
use crate::decimal::Decimal;
use crate::duration_text::DurationText;
use crate::load::{self, Load, Loader, Named, Schemas};
use crate::phase::{ExprOf, Phase};
use crate::value_error::{MULTILINE_BYTES_MAX, ValueError};
use crate::yaml::{Node, Value as Yaml};
use crate::{choice, record};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

choice! {
    /// What a message carries under a name.
    pub enum DataType {
        /// A text.
        Text "text",
        /// A whole number.
        Integer "integer",
        /// An exact number.
        Decimal "decimal",
        /// Yes or no.
        Boolean "boolean",
        /// A day.
        Date "date",
        /// A point in time.
        Timestamp "timestamp",
        /// Somebody's login.
        User "user",
    }
}

record! {
    /// A message from outside the process that its handlers wait for.
    pub struct Message<S> as "a message" {
        /// What it carries; all of it must be there.
        data "data": Named<Typed> = { "order": "text" };
        /// Which instances it is for; every one if not written.
        matches "match": Option<ExprOf<S>> = "has(ticket.fields.order) && event.order == ticket.fields.order";
        /// How long it waits for a handler, or for an instance; without it, it is lost where no handler waits.
        keep "keep": Option<DurationText> = "30d";
    }
}

/// The type of a value: its word, or a map that says it under `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Typed(pub DataType);

crate::plain!(Typed);

impl Load for Typed {
    fn schema(g: &mut Schemas) -> Json {
        let word = DataType::schema(g);
        let of = load::describe(word.clone(), "type", "What it holds.", json!("text"));
        json!({"anyOf": [word, {"type": "object", "additionalProperties": false, "required": ["type"], "properties": {"type": of}}]})
    }

    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        let Yaml::Map(entries) = &node.value else { return DataType::load(node, cx).map(Self) };
        let entries = &*cx.known_keys(entries, &["type"], "a value");
        cx.field(entries, "type", ("a value", node.span)).map(Self)
    }
}

impl<S: Phase> Message<S> {
    /// The types of what it carries, by name.
    pub fn shape(&self) -> BTreeMap<String, DataType> {
        self.data.iter().map(|(name, data)| (name.to_string(), data.0)).collect()
    }
}

impl DataType {
    pub fn ty(self) -> Ty {
        match self {
            Self::Text => Ty::Text,
            Self::Integer => Ty::Int,
            Self::Decimal => Ty::Decimal,
            Self::Boolean => Ty::Bool,
            Self::Date => Ty::Date,
            Self::Timestamp => Ty::Timestamp,
            Self::User => Ty::User,
        }
    }

    /// A value as a form sends it: also as a text. `Ok(None)` where it is left empty.
    pub fn read_form(self, json: &Json) -> Result<Option<Value>, ValueError> {
        let wrong = || {
            ValueError::WrongType(match self {
                Self::Text | Self::User => "a text",
                Self::Integer => "a whole number",
                Self::Decimal => "a decimal number",
                Self::Boolean => "true or false",
                Self::Date => "a date such as `2026-03-01`",
                Self::Timestamp => "a time such as `2026-03-01T09:00:00+01:00`",
            })
        };
        let text = match json {
            Json::Null => return Ok(None),
            Json::String(s) if s.trim().is_empty() => return Ok(None),
            Json::String(s) => s.trim(),
            other => return self.read(other).map(Some).ok_or_else(wrong),
        };
        let read = match self {
            Self::Integer => text.parse().ok().map(Value::Int),
            Self::Boolean => match text {
                "true" | "on" => Some(Value::Bool(true)),
                "false" => Some(Value::Bool(false)),
                _ => None,
            },
            // A German comma is taken where it cannot mean anything else.
            Self::Decimal if !text.contains('.') => text.replacen(',', ".", 1).parse::<Decimal>().ok().map(Value::Decimal),
            _ => self.read(&Json::String(text.to_owned())),
        };
        read.map(Some).ok_or_else(wrong)
    }

    /// A value as it comes in JSON; `None` where it is of another type. A decimal may be a text or a number.
    pub fn read(self, json: &Json) -> Option<Value> {
        match (self, json) {
            (Self::Text | Self::User, Json::String(s)) if s.len() > MULTILINE_BYTES_MAX => None,
            (Self::Text | Self::User, Json::String(s)) => Some(Value::text(s.as_str())),
            (Self::Integer, Json::Number(n)) => n.as_i64().map(Value::Int),
            (Self::Decimal, Json::Number(n)) => n.to_string().parse::<Decimal>().ok().map(Value::Decimal),
            (Self::Decimal, Json::String(s)) => s.parse::<Decimal>().ok().map(Value::Decimal),
            (Self::Boolean, Json::Bool(b)) => Some(Value::Bool(*b)),
            (Self::Date, Json::String(s)) => s.parse().ok().map(Value::Date),
            (Self::Timestamp, Json::String(s)) => s.parse().ok().map(Value::Timestamp),
            _ => None,
        }
    }
}
