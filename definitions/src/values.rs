//! Attributes and fields of a ticket: their types, and how values are read and stored.
//!
//! Stored form (JSON): text, whole number, boolean; a decimal is a whole number scaled by its field; a date is
//! `2026-03-01`; a choice is the option's name; several are a list; a file is `{name, content_type, size, blob}`.

use crate::cel::types::{Field as TyField, ObjectTy, Ty};
use crate::cel::value::Value;
use crate::decimal::Decimal;
use crate::duration_text::DurationText;
use crate::kinds::field::{Field, FieldType};
use crate::names::Names;
use crate::phase::Phase;
use crate::value_error::{FILE_BYTES_MAX, LINE_BYTES_MAX, MULTILINE_BYTES_MAX, ValueError};
use crate::yaml;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What can be set on a ticket: an attribute or an own field.
#[derive(Debug, Clone, Copy)]
pub enum Slot<'m> {
    Title,
    Type,
    Queue,
    State,
    Priority,
    Owner,
    Responsible,
    /// Whether the owner holds it.
    Lock,
    CustomerUser,
    PendingUntil,
    /// Sets `pending_until` from now.
    Pending,
    Field(&'m Field),
}

impl<'m> Slot<'m> {
    pub fn find<S: Phase>(names: &'m Names<S>, name: &str) -> Option<Self> {
        Some(match name {
            "title" => Self::Title,
            "type" => Self::Type,
            "queue" => Self::Queue,
            "state" => Self::State,
            "priority" => Self::Priority,
            "owner" => Self::Owner,
            "responsible" => Self::Responsible,
            "lock" => Self::Lock,
            "customer_user" => Self::CustomerUser,
            "pending_until" => Self::PendingUntil,
            "pending" => Self::Pending,
            _ => Self::Field(names.fields.get(name)?),
        })
    }

    /// Where expressions find it.
    pub fn path(&self) -> String {
        match self {
            Self::Field(f) => format!("ticket.fields.{}", f.name),
            Self::Pending => "ticket.pending_until".into(),
            other => format!("ticket.{}", other.attribute()),
        }
    }

    fn attribute(&self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Type => "type",
            Self::Queue => "queue",
            Self::State => "state",
            Self::Priority => "priority",
            Self::Owner => "owner",
            Self::Responsible => "responsible",
            Self::Lock => "lock",
            Self::CustomerUser => "customer_user",
            Self::PendingUntil => "pending_until",
            Self::Pending => "pending",
            Self::Field(_) => "fields",
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Field(f) => &f.name,
            other => other.attribute(),
        }
    }

    /// Every ticket has one: it cannot be unset.
    pub fn always_set(&self) -> bool {
        matches!(self, Self::Title | Self::Type | Self::Queue | Self::State | Self::Priority | Self::Lock)
    }

    /// The type of an expression that gives a value for it.
    pub fn ty<S: Phase>(&self, names: &Names<S>) -> Ty {
        match self {
            Self::Title => Ty::Text,
            Self::Type => names.type_ty.clone(),
            Self::Queue => names.queue_ty.clone(),
            Self::State => names.state_ty.clone(),
            Self::Priority => Ty::Int,
            Self::Owner | Self::Responsible | Self::CustomerUser => Ty::User,
            Self::Lock => Ty::Bool,
            Self::PendingUntil => Ty::Timestamp,
            Self::Pending => Ty::Duration,
            Self::Field(f) => field_ty(f),
        }
    }

    /// A literal of a definition. `Ok(None)` unsets.
    pub fn literal<S: Phase>(&self, node: &yaml::Node, names: &Names<S>) -> Result<Option<Value>, ValueError> {
        self.json(&node.to_json(), names)
    }

    /// A value of the API: also the form in which HTML forms arrive, as texts.
    pub fn json<S: Phase>(&self, json: &Json, names: &Names<S>) -> Result<Option<Value>, ValueError> {
        match json {
            Json::Null => Ok(None),
            Json::String(s) if s.is_empty() => Ok(None),
            Json::Array(a) if a.is_empty() => Ok(None),
            _ => self.value(json, names).map(Some),
        }
    }

    fn value<S: Phase>(&self, json: &Json, names: &Names<S>) -> Result<Value, ValueError> {
        let word = |known: bool, t: &str| if known { Ok(Value::text(t)) } else { Err(ValueError::NotOffered(t.to_owned())) };
        match (self, json) {
            (Self::Title, Json::String(s)) => line(s),
            (Self::Type, Json::String(s)) => word(names.types.get(s).is_some(), s),
            (Self::Queue, Json::String(s)) => word(names.queues.get(s).is_some(), s),
            (Self::State, Json::String(s)) => word(names.states.get(s).is_some(), s),
            (Self::Priority, Json::String(s)) => match names.priorities.get(s) {
                Some(p) => Ok(Value::Int(p.level.value.0)),
                None => s.parse().ok().and_then(|l| level(names, l)).ok_or_else(|| ValueError::NotOffered(s.clone())),
            },
            (Self::Priority, Json::Number(n)) => {
                n.as_i64().and_then(|l| level(names, l)).ok_or_else(|| ValueError::NotOffered(n.to_string()))
            }
            (Self::Owner | Self::Responsible | Self::CustomerUser, Json::String(s)) => line(s),
            (Self::Lock, Json::Bool(b)) => Ok(Value::Bool(*b)),
            (Self::Lock, Json::String(s)) => s.parse().map(Value::Bool).map_err(|_| ValueError::WrongType("true or false")),
            (Self::PendingUntil, Json::String(s)) => timestamp(s).map(Value::Timestamp),
            (Self::Pending, Json::String(s)) => {
                DurationText::parse(s).map(Value::Duration).ok_or(ValueError::WrongType("a duration such as `24h`"))
            }
            (Self::Field(f), json) => field_value(f, json),
            _ => Err(ValueError::WrongType("a text")),
        }
    }
}

fn level<S: Phase>(names: &Names<S>, level: i64) -> Option<Value> {
    names.priorities.iter().any(|p| p.level.value.0 == level).then_some(Value::Int(level))
}

fn timestamp(text: &str) -> Result<jiff::Timestamp, ValueError> {
    text.parse().map_err(|_| ValueError::WrongType("a time such as `2026-03-01T09:00:00+01:00`"))
}

fn line(text: &str) -> Result<Value, ValueError> {
    if text.len() > LINE_BYTES_MAX {
        return Err(ValueError::TooLong(LINE_BYTES_MAX));
    }
    if text.contains(['\n', '\r', '\0']) {
        return Err(ValueError::LineBreak);
    }
    Ok(Value::text(text))
}

/// The type that expressions see.
pub fn field_ty(field: &Field) -> Ty {
    let options = || Ty::word(&format!("option of `{}`", field.name), field.options.names());
    match field.field_type {
        FieldType::Text | FieldType::Multiline => Ty::Text,
        FieldType::Integer => Ty::Int,
        FieldType::Decimal => Ty::Decimal,
        FieldType::Boolean => Ty::Bool,
        FieldType::Date => Ty::Date,
        FieldType::Choice => options(),
        FieldType::MultipleChoice => Ty::list(options()),
        FieldType::User => Ty::User,
        FieldType::File => {
            let part = |name: &str, ty: Ty| TyField { name: name.into(), ty, optional: false, doc: String::new() };
            let fields = vec![part("name", Ty::Text), part("content_type", Ty::Text), part("size", Ty::Int)];
            Ty::Object(Arc::new(ObjectTy { what: "file".into(), fields }))
        }
    }
}

pub fn scale(field: &Field) -> u8 {
    field.scale.map_or(2, |s| s.0 as u8)
}

fn field_value(field: &Field, json: &Json) -> Result<Value, ValueError> {
    let option = |s: &str| {
        if field.options.get(s).is_some() { Ok(Value::text(s)) } else { Err(ValueError::NotOffered(s.to_owned())) }
    };
    match (field.field_type, json) {
        (FieldType::Text | FieldType::User, Json::String(s)) => line(s),
        (FieldType::Multiline, Json::String(s)) if s.len() > MULTILINE_BYTES_MAX => Err(ValueError::TooLong(MULTILINE_BYTES_MAX)),
        (FieldType::Multiline, Json::String(s)) => Ok(Value::text(s.replace("\r\n", "\n").replace('\0', ""))),
        (FieldType::Integer, Json::Number(n)) => n.as_i64().map(Value::Int).ok_or(ValueError::WrongType("a whole number")),
        (FieldType::Integer, Json::String(s)) => s.trim().parse().map(Value::Int).map_err(|_| ValueError::WrongType("a whole number")),
        (FieldType::Decimal, Json::Number(n)) => decimal(field, &n.to_string()),
        (FieldType::Decimal, Json::String(s)) => decimal(field, s.trim()),
        (FieldType::Boolean, Json::Bool(b)) => Ok(Value::Bool(*b)),
        (FieldType::Boolean, Json::String(s)) => match s.as_str() {
            "true" | "on" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(ValueError::WrongType("true or false")),
        },
        (FieldType::Date, Json::String(s)) => s.parse().map(Value::Date).map_err(|_| ValueError::WrongType("a date such as `2026-03-01`")),
        (FieldType::Choice, Json::String(s)) => option(s),
        (FieldType::MultipleChoice, Json::String(s)) => option(s).map(|v| Value::List(Arc::new(vec![v]))),
        (FieldType::MultipleChoice, Json::Array(items)) => {
            let mut list: Vec<Value> = vec![];
            for item in items {
                let value = option(item.as_str().ok_or(ValueError::WrongType("a list of choices"))?)?;
                if !list.contains(&value) {
                    list.push(value);
                }
            }
            Ok(Value::List(Arc::new(list)))
        }
        (FieldType::File, Json::Object(map)) => file(map),
        (kind, _) => Err(ValueError::WrongType(match kind {
            FieldType::Integer => "a whole number",
            FieldType::Decimal => "a decimal number",
            FieldType::Boolean => "true or false",
            FieldType::Date => "a date such as `2026-03-01`",
            FieldType::MultipleChoice => "a list of choices",
            FieldType::File => "a file",
            _ => "a text",
        })),
    }
}

fn file(map: &serde_json::Map<String, Json>) -> Result<Value, ValueError> {
    let wrong = ValueError::WrongType("a file");
    let text = |key: &str| map.get(key).and_then(Json::as_str).map(Value::text).ok_or(wrong.clone());
    let size = map.get("size").and_then(Json::as_i64).ok_or(wrong.clone())?;
    if size > FILE_BYTES_MAX as i64 {
        return Err(ValueError::TooLong(FILE_BYTES_MAX));
    }
    Ok(Value::Map(Arc::new(BTreeMap::from([
        ("name".to_owned(), text("name")?),
        ("content_type".to_owned(), text("content_type")?),
        ("size".to_owned(), Value::Int(size)),
        ("blob".to_owned(), text("blob")?),
    ]))))
}

fn decimal(field: &Field, text: &str) -> Result<Value, ValueError> {
    // A German comma is taken where it cannot mean anything else.
    let text = if text.contains('.') { text.to_owned() } else { text.replacen(',', ".", 1) };
    let value: Decimal = text.parse().map_err(|_| ValueError::WrongType("a decimal number"))?;
    exact(field, value).map(Value::Decimal)
}

fn exact(field: &Field, value: Decimal) -> Result<Decimal, ValueError> {
    let scale = scale(field);
    if value.scale() > scale {
        return Err(ValueError::Scale(scale));
    }
    let units = value.round(scale).units_at(scale).and_then(|u| i64::try_from(u).ok()).ok_or(ValueError::TooLarge)?;
    Ok(Decimal::new(units.into(), scale))
}

/// The stored form of a field's value. A decimal that was computed is rounded to the field's scale, half to even;
/// what a person sent or a definition writes out was refused before if it had more digits.
pub fn to_stored(field: &Field, value: &Value) -> Result<Json, ValueError> {
    Ok(match (field.field_type, value) {
        (FieldType::Decimal, Value::Decimal(d)) => stored_units(exact(field, d.round(scale(field)))?, scale(field))?,
        (FieldType::Decimal, Value::Int(i)) => stored_units(exact(field, Decimal::from(*i))?, scale(field))?,
        (_, other) => field_value(field, &other.to_json())?.to_json(),
    })
}

fn stored_units(value: Decimal, scale: u8) -> Result<Json, ValueError> {
    value.units_at(scale).and_then(|u| i64::try_from(u).ok()).map(Json::from).ok_or(ValueError::TooLarge)
}

/// The value of a stored field; `None` where the definition no longer fits what is stored.
pub fn from_stored(field: &Field, json: &Json) -> Option<Value> {
    match (field.field_type, json) {
        (FieldType::Decimal, Json::Number(n)) => Some(Value::Decimal(Decimal::new(n.as_i64()?.into(), scale(field)))),
        (FieldType::Choice, Json::String(s)) => Some(Value::text(s.as_str())),
        (FieldType::MultipleChoice, Json::Array(a)) => {
            Some(Value::List(Arc::new(a.iter().filter_map(Json::as_str).map(Value::text).collect())))
        }
        (_, Json::Null) => None,
        (_, json) => field_value(field, json).ok(),
    }
}

/// The value of a field that is not stored: lists are `[]`, booleans `false`, everything else is unset (C23).
pub fn when_unset(field: &Field) -> Option<Value> {
    match field.field_type {
        FieldType::Boolean => Some(Value::Bool(false)),
        FieldType::MultipleChoice => Some(Value::List(Arc::new(vec![]))),
        _ => None,
    }
}
