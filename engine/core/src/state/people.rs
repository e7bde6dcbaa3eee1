//! People as the engine knows them.

use crate::state::ids::Login;
use crate::state::security::{By, Entry};
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

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Customer, Self::Agent, Self::System].into_iter().find(|k| k.word() == word)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub login: Login,
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
    pub manager: Option<Login>,
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
    pub substitute: Option<Login>,
}

/// A change of a person's named fields. Fields that are not named keep the value that somebody else may give them meanwhile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PersonPatch {
    pub name: Option<String>,
    pub email: Option<String>,
    pub kind: Option<PersonKind>,
    pub company: Option<Option<String>>,
    pub language: Option<String>,
    pub active: Option<bool>,
    pub roles: Option<Vec<String>>,
    pub quiet: Option<Option<Quiet>>,
    pub away: Option<Option<Away>>,
    pub skills: Option<BTreeSet<String>>,
    pub manager: Option<Option<Login>>,
    pub muted: Option<BTreeSet<String>>,
}

impl PersonPatch {
    /// Every field as this person has it.
    pub fn all_of(person: &Person) -> Self {
        Self {
            name: Some(person.name.clone()),
            email: Some(person.email.clone()),
            kind: Some(person.kind),
            company: Some(person.company.clone()),
            language: Some(person.language.clone()),
            active: Some(person.active),
            roles: Some(person.roles.clone()),
            ..Self::default()
        }
    }

    pub fn of_settings(settings: &Settings) -> Self {
        Self {
            quiet: Some(settings.quiet),
            away: Some(settings.away.clone()),
            skills: Some(settings.skills.clone()),
            manager: Some(settings.manager.clone()),
            muted: Some(settings.muted.clone()),
            ..Self::default()
        }
    }

    /// Changes the person; for each field that differs its name, with the old and the new value.
    pub fn apply(&self, person: &mut Person) -> serde_json::Map<String, serde_json::Value> {
        fn set<T: Clone + PartialEq + Serialize>(
            changes: &mut serde_json::Map<String, serde_json::Value>,
            name: &str,
            place: &mut T,
            new: Option<&T>,
        ) {
            if let Some(new) = new.filter(|n| **n != *place) {
                changes.insert(name.to_owned(), serde_json::json!({"old": &*place, "new": new}));
                *place = new.clone();
            }
        }
        let mut changes = serde_json::Map::new();
        let mut roles = self.roles.clone();
        if let Some(roles) = &mut roles {
            roles.sort();
            roles.dedup();
        }
        set(&mut changes, "name", &mut person.name, self.name.as_ref());
        set(&mut changes, "email", &mut person.email, self.email.as_ref());
        set(&mut changes, "kind", &mut person.kind, self.kind.as_ref());
        set(&mut changes, "company", &mut person.company, self.company.as_ref());
        set(&mut changes, "language", &mut person.language, self.language.as_ref());
        set(&mut changes, "active", &mut person.active, self.active.as_ref());
        set(&mut changes, "roles", &mut person.roles, roles.as_ref());
        let settings = &mut person.settings;
        set(&mut changes, "quiet", &mut settings.quiet, self.quiet.as_ref());
        set(&mut changes, "away", &mut settings.away, self.away.as_ref());
        set(&mut changes, "skills", &mut settings.skills, self.skills.as_ref());
        set(&mut changes, "manager", &mut settings.manager, self.manager.as_ref());
        set(&mut changes, "muted", &mut settings.muted, self.muted.as_ref());
        changes
    }

    /// The change as the log of security records it.
    pub fn entry(&self, login: &str, version: u64, changes: serde_json::Map<String, serde_json::Value>, by: &By) -> Entry {
        Entry {
            by: by.clone(),
            event: "person.changed".into(),
            about: login.to_owned(),
            details: serde_json::json!({"version": version, "changes": changes}),
        }
    }
}

impl Person {
    /// Somebody who is known by an address only.
    pub fn stranger(address: &str, language: &str) -> Self {
        Self {
            login: address.into(),
            name: address.into(),
            email: address.into(),
            kind: PersonKind::Customer,
            language: language.into(),
            ..system()
        }
    }

    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|r| r == role)
    }
}

/// The login under which processes act.
pub const SYSTEM: Login = Login::fixed("system");

pub fn system() -> Person {
    Person {
        login: SYSTEM,
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
    people: BTreeMap<Login, Arc<Person>>,
    /// For each role those who have it and are active.
    by_role: BTreeMap<String, Vec<Arc<Person>>>,
    /// By address in small letters, those who are active.
    by_address: BTreeMap<String, Arc<Person>>,
    /// Those who have said when they are away, and are active.
    with_absence: Vec<Arc<Person>>,
}

impl Directory {
    pub fn new(people: impl IntoIterator<Item = Person>) -> Self {
        let people: BTreeMap<Login, Arc<Person>> = people.into_iter().map(|p| (p.login.clone(), Arc::new(p))).collect();
        let mut by_role: BTreeMap<String, Vec<Arc<Person>>> = BTreeMap::new();
        for person in people.values().filter(|p| p.active) {
            for role in &person.roles {
                by_role.entry(role.clone()).or_default().push(person.clone());
            }
        }
        let mut by_address: BTreeMap<String, Arc<Person>> = BTreeMap::new();
        for person in people.values().filter(|p| p.active && !p.email.is_empty()) {
            by_address.entry(person.email.to_ascii_lowercase()).or_insert_with(|| person.clone());
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
