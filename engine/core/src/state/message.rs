//! Messages between processes: what they carry, in a form that says its own types.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::Arc;
use vorgang_definitions::cel::scope::Scope;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::decimal::Decimal;
use vorgang_definitions::kinds::message::DataType;
use vorgang_definitions::model::{Model, ProcessModel};

/// By name.
pub type Data = BTreeMap<String, Datum>;

/// Sets a value, or unsets it.
pub fn put(data: &mut Data, name: &str, datum: Option<Datum>) {
    match datum {
        Some(datum) => drop(data.insert(name.to_owned(), datum)),
        None => drop(data.remove(name)),
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Datum {
    Text(String),
    Integer(i64),
    Decimal(String),
    Boolean(bool),
    Date(Date),
    Timestamp(Timestamp),
}

impl Datum {
    pub fn from_value(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Text(t) => Self::Text(t.to_string()),
            Value::Int(i) => Self::Integer(*i),
            Value::Decimal(d) => Self::Decimal(d.to_string()),
            Value::Bool(b) => Self::Boolean(*b),
            Value::Date(d) => Self::Date(*d),
            Value::Timestamp(t) => Self::Timestamp(*t),
            Value::Duration(_) | Value::List(_) | Value::Map(_) => return None,
        })
    }

    pub fn value(&self) -> Option<Value> {
        Some(match self {
            Self::Text(t) => Value::text(t.as_str()),
            Self::Integer(i) => Value::Int(*i),
            Self::Decimal(d) => Value::Decimal(d.parse::<Decimal>().ok()?),
            Self::Boolean(b) => Value::Bool(*b),
            Self::Date(d) => Value::Date(*d),
            Self::Timestamp(t) => Value::Timestamp(*t),
        })
    }
}

impl std::fmt::Display for Datum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(t) | Self::Decimal(t) => f.write_str(t),
            Self::Integer(i) => write!(f, "{i}"),
            Self::Boolean(b) => write!(f, "{b}"),
            Self::Date(d) => write!(f, "{d}"),
            Self::Timestamp(t) => write!(f, "{t}"),
        }
    }
}

/// What a message carries, read from JSON; what is wrong with it, name by name.
pub fn read(shape: &BTreeMap<String, DataType>, json: &Map<String, Json>) -> Result<Data, Vec<(String, String)>> {
    let surplus = json.keys().filter(|k| !shape.contains_key(*k)).map(|k| (k.clone(), "is not known here".to_owned()));
    let mut wrong: Vec<(String, String)> = surplus.collect();
    let mut data = Data::new();
    for (name, of) in shape {
        match json.get(name).and_then(|j| of.read(j)).as_ref().and_then(Datum::from_value) {
            Some(datum) => drop(data.insert(name.clone(), datum)),
            None => wrong.push((name.clone(), format!("must be there, and be of the type {}", of.word()))),
        }
    }
    if wrong.is_empty() { Ok(data) } else { Err(wrong) }
}

/// Until when the site keeps it, where some process keeps it.
pub fn kept_until(model: &Model, name: &str, now: Timestamp) -> Option<Timestamp> {
    let keeps = waiting(model, name).filter_map(|p| p.def.messages.get(name)?.keep);
    keeps.filter_map(|k| vorgang_definitions::calendar::later(now, k.0, None, &model.names.site.zone.0)).max()
}

/// The processes, pinned ones too, that declare the message.
pub fn waiting<'m>(model: &'m Model, name: &'m str) -> impl Iterator<Item = &'m Arc<ProcessModel>> {
    model.by_hash.values().filter(move |p| p.def.messages.get(name).is_some())
}

/// What `match` sees: the message beside all that the instance sees.
pub struct WithMessage<'a, S> {
    pub scope: S,
    pub name: &'a str,
    pub data: &'a Data,
}

impl<S: Scope> Scope for WithMessage<'_, S> {
    fn get(&self, path: &[Box<str>]) -> Option<Value> {
        match path {
            [root, part, ..] if &**root == "event" => match &**part {
                "name" => Some(Value::text(format!("message.{}", self.name))),
                part => self.data.get(part)?.value(),
            },
            _ => self.scope.get(path),
        }
    }

    fn now(&self) -> Timestamp {
        self.scope.now()
    }

    fn zone(&self) -> &jiff::tz::TimeZone {
        self.scope.zone()
    }

    fn has_role(&self, role: &str) -> bool {
        self.scope.has_role(role)
    }

    fn work_time(&self, name: Option<&str>) -> Option<&vorgang_definitions::calendar::WorkTime> {
        self.scope.work_time(name)
    }

    fn active(&self, activity: &str) -> bool {
        self.scope.active(activity)
    }
}
