//! Events of the desk that belong to no ticket: people and definitions.

use crate::state::ids::Login;
use crate::state::people::{Person, PersonKind};
use serde::{Deserialize, Serialize};
use vorgang_definitions::cel::value::Value;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum DeskEvent {
    PersonCreated { person: Somebody },
    PersonChanged { person: Somebody },
    DefinitionsApplied { revision: i64, by: Login },
}

/// The part of a person that handlers see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Somebody {
    pub login: Login,
    pub name: String,
    pub email: String,
    pub company: String,
    pub kind: PersonKind,
    pub active: bool,
}

impl From<&Person> for Somebody {
    fn from(p: &Person) -> Self {
        Self {
            login: p.login.clone(),
            name: p.name.clone(),
            email: p.email.clone(),
            company: p.company.clone().unwrap_or_default(),
            kind: p.kind,
            active: p.active,
        }
    }
}

impl DeskEvent {
    /// The names of all.
    pub const PEOPLE: [&'static str; 2] = ["person.created", "person.changed"];
    pub const DEFINITIONS: &'static str = "definitions.applied";

    /// As in `on:`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::PersonCreated { .. } => Self::PEOPLE[0],
            Self::PersonChanged { .. } => Self::PEOPLE[1],
            Self::DefinitionsApplied { .. } => Self::DEFINITIONS,
        }
    }

    /// A part of `event.` in CEL.
    pub fn part(&self, part: &str) -> Option<Value> {
        let text = |t: &str| Some(Value::text(t));
        match (self, part) {
            (_, "name") => text(self.name()),
            (Self::PersonCreated { person } | Self::PersonChanged { person }, part) => match part {
                "person" => text(&person.login),
                "title" => text(&person.name),
                "email" => text(&person.email),
                "company" => text(&person.company),
                "kind" => text(person.kind.word()),
                "active" => Some(Value::Bool(person.active)),
                _ => None,
            },
            (Self::DefinitionsApplied { revision, .. }, "revision") => Some(Value::Int(*revision)),
            (Self::DefinitionsApplied { by, .. }, "by") => text(by),
            _ => None,
        }
    }
}
