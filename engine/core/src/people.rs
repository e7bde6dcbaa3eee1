//! People as the engine knows them.

use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonKind {
    Customer,
    Agent,
    /// Processes, timers and jobs.
    System,
}

impl PersonKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Agent => "agent",
            Self::System => "system",
        }
    }

    /// What no other word is, is the system.
    pub fn from_word(word: &str) -> Self {
        [Self::Customer, Self::Agent].into_iter().find(|k| k.word() == word).unwrap_or(Self::System)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub login: String,
    pub name: String,
    pub email: String,
    pub kind: PersonKind,
    pub company: Option<String>,
    /// A language tag.
    pub language: String,
    pub roles: Vec<String>,
    pub active: bool,
    #[serde(default)]
    pub settings: Settings,
}

/// What a person has chosen about being told, and what is known beside the roles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// When no mail comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Quiet>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<Away>,
    /// What an agent can do, in words of the site.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub skills: BTreeSet<String>,
    /// A login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// Names of notifications that are not wanted.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub muted: BTreeSet<String>,
}

/// Each day, in the site's zone; over midnight where it ends before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    pub from: Time,
    pub until: Time,
}

/// Out of office, both days included, in the site's zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    pub from: Date,
    pub until: Date,
    /// A login.
    pub substitute: Option<String>,
}

impl Person {
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|r| r == role)
    }
}

/// The login under which processes act.
pub const SYSTEM: &str = "system";

pub fn system() -> Person {
    Person {
        login: SYSTEM.into(),
        name: "System".into(),
        email: String::new(),
        kind: PersonKind::System,
        company: None,
        language: "en".into(),
        roles: vec![],
        active: true,
        settings: Settings::default(),
    }
}

/// Everybody whom a command may have to know, by login. An immutable picture, replaced when people change.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    people: BTreeMap<String, Arc<Person>>,
    /// For each role those who have it and are active.
    by_role: BTreeMap<String, Vec<Arc<Person>>>,
    /// By address in small letters, those who are active.
    by_address: BTreeMap<String, Arc<Person>>,
    /// Those who have said when they are away, and are active.
    with_absence: Vec<Arc<Person>>,
}

impl Directory {
    pub fn new(people: impl IntoIterator<Item = Person>) -> Self {
        let people: BTreeMap<String, Arc<Person>> = people.into_iter().map(|p| (p.login.clone(), Arc::new(p))).collect();
        let mut by_role: BTreeMap<String, Vec<Arc<Person>>> = BTreeMap::new();
        for person in people.values().filter(|p| p.active) {
            for role in &person.roles {
                by_role.entry(role.clone()).or_default().push(person.clone());
            }
        }
        let mut by_address: BTreeMap<String, Arc<Person>> = BTreeMap::new();
        for person in people.values().filter(|p| p.active && !p.email.is_empty()) {
            by_address.entry(person.email.to_lowercase()).or_insert_with(|| person.clone());
        }
        let with_absence = people.values().filter(|p| p.active && p.settings.away.is_some()).cloned().collect();
        Self { people, by_role, by_address, with_absence }
    }

    pub fn get(&self, login: &str) -> Option<&Arc<Person>> {
        self.people.get(login)
    }

    /// Whose address it is, in small letters; where it is several people's, the first's by login.
    pub fn by_address(&self, address: &str) -> Option<&Arc<Person>> {
        self.by_address.get(address)
    }

    pub fn with_role(&self, role: &str) -> &[Arc<Person>] {
        self.by_role.get(role).map_or(&[], Vec::as_slice)
    }

    /// Those who have said when they are away.
    pub fn with_absence(&self) -> &[Arc<Person>] {
        &self.with_absence
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Person>> {
        self.people.values()
    }
}
