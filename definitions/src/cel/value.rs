//! What an expression computes with.

use crate::decimal::Decimal;
use jiff::Timestamp;
use jiff::civil::Date;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Bool(bool),
    Int(i64),
    Decimal(Decimal),
    Text(Arc<str>),
    Date(Date),
    Timestamp(Timestamp),
    Duration(Duration),
    List(Arc<Vec<Value>>),
    Map(Arc<BTreeMap<String, Value>>),
}

/// Calendar days and elapsed seconds, kept apart: a day may have 23 or 25 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Duration {
    pub days: i64,
    pub seconds: i64,
}

impl Duration {
    fn approximate_seconds(self) -> i128 {
        i128::from(self.days) * 86_400 + i128::from(self.seconds)
    }
}

impl PartialOrd for Duration {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.approximate_seconds().cmp(&other.approximate_seconds()))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.days, self.seconds) {
            (d, 0) => write!(f, "P{d}D"),
            (0, s) => write!(f, "PT{s}S"),
            (d, s) => write!(f, "P{d}DT{s}S"),
        }
    }
}

impl Value {
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(t) => Some(t),
            _ => None,
        }
    }

    /// `None` where the two have no order; the checker lets only comparable types meet.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Decimal(a), Self::Decimal(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Decimal(b)) => Some(Decimal::from(*a).cmp(b)),
            (Self::Decimal(a), Self::Int(b)) => Some(a.cmp(&Decimal::from(*b))),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::Timestamp(a), Self::Timestamp(b)) => Some(a.cmp(b)),
            (Self::Duration(a), Self::Duration(b)) => a.partial_cmp(b),
            _ => None,
        }
    }

    pub fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(a), Self::List(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.equals(b)),
            (Self::Map(a), Self::Map(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|((ka, a), (kb, b))| ka == kb && a.equals(b)),
            _ => self.compare(other) == Some(Ordering::Equal),
        }
    }

    /// The value as JSON: decimals, dates and times are texts.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Bool(b) => (*b).into(),
            Self::Int(i) => (*i).into(),
            Self::Text(t) => (&**t).into(),
            Self::List(l) => l.iter().map(Value::to_json).collect(),
            Self::Map(m) => serde_json::Value::Object(m.iter().map(|(k, v)| (k.clone(), v.to_json())).collect()),
            Self::Decimal(_) | Self::Date(_) | Self::Timestamp(_) | Self::Duration(_) => self.to_string().into(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(b) => b.fmt(f),
            Self::Int(i) => i.fmt(f),
            Self::Decimal(d) => d.fmt(f),
            Self::Text(t) => f.write_str(t),
            Self::Date(d) => d.fmt(f),
            Self::Timestamp(t) => t.fmt(f),
            Self::Duration(d) => d.fmt(f),
            Self::List(l) => {
                for (i, v) in l.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    v.fmt(f)?;
                }
                Ok(())
            }
            Self::Map(m) => {
                for (i, (k, v)) in m.iter().enumerate() {
                    write!(f, "{}{k}: {v}", if i > 0 { ", " } else { "" })?;
                }
                Ok(())
            }
        }
    }
}
