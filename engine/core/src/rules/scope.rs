//! What expressions and templates see of a ticket.

use crate::rules::trace::Trace;
use crate::state::happening::Happening;
use crate::state::message::Data;
use crate::state::people::{Directory, Person, PersonKind};
use crate::state::snapshot::{Instance, Item, Snapshot, Ticket, WorkItem};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::sync::Arc;
use vorgang_definitions::calendar::WorkTime;
use vorgang_definitions::cel::scope::Scope;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::kinds::site::Setting;
use vorgang_definitions::names::Names;
use vorgang_definitions::source::Span;
use vorgang_definitions::values::{from_stored, when_unset};

/// `items` of expressions.
pub fn items_value(items: &[Item]) -> Value {
    let text = |t: Option<&str>| Value::text(t.unwrap_or_default());
    let item = |i: &Item| {
        let data = i.data.iter().filter_map(|(k, v)| Some((k.clone(), v.value()?)));
        let mut map = BTreeMap::from([
            ("outcome".to_owned(), text(i.outcome.as_deref())),
            ("by".to_owned(), text(i.by.as_deref())),
            ("done".to_owned(), Value::Bool(i.outcome.is_some())),
            ("data".to_owned(), Value::Map(Arc::new(data.collect()))),
        ]);
        map.extend(i.element.value().map(|v| ("item".to_owned(), v)));
        map.extend(i.at.map(|at| ("at".to_owned(), Value::Timestamp(at))));
        Value::Map(Arc::new(map))
    };
    Value::List(Arc::new(items.iter().map(item).collect()))
}

#[derive(Clone, Copy)]
pub struct TicketScope<'a> {
    pub names: &'a Names,
    pub snapshot: &'a Snapshot,
    /// The ticket as saved; `None` while it is created.
    pub stored: Option<&'a Ticket>,
    pub actor: &'a Person,
    pub people: &'a Directory,
    pub now: Timestamp,
    pub instance: Option<&'a Instance>,
    pub work: Option<&'a WorkItem>,
    /// What a handler is there for.
    pub happening: Option<&'a Happening>,
    /// What an ACL is asked about.
    pub value: Option<&'a Value>,
    /// Names that actions gave to what they made.
    pub named: Option<&'a BTreeMap<String, Value>>,
    /// Whom a notification is written for.
    pub recipient: Option<&'a Person>,
    /// Where the rules of decisions that hold are noted.
    pub trace: Option<&'a Trace>,
    /// The copies of a `for_each`, where it is asked whether they are enough.
    pub items: Option<&'a [Item]>,
}

impl<'a> TicketScope<'a> {
    /// A saved ticket, by itself.
    pub fn for_person(names: &'a Names, snapshot: &'a Snapshot, actor: &'a Person, people: &'a Directory, now: Timestamp) -> Self {
        Self {
            names,
            snapshot,
            stored: Some(&snapshot.ticket),
            actor,
            people,
            now,
            instance: None,
            work: None,
            happening: None,
            value: None,
            recipient: None,
            trace: None,
            items: None,
            named: None,
        }
    }
}

/// What expressions see without a ticket.
pub struct CommonScope<'a> {
    pub names: &'a Names,
    pub now: Timestamp,
}

impl Scope for CommonScope<'_> {
    fn get(&self, path: &[Box<str>]) -> Option<Value> {
        let (root, rest) = path.split_first()?;
        match &**root {
            "now" => Some(Value::Timestamp(self.now)),
            "site" => site(self.names, None, rest),
            _ => None,
        }
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn zone(&self) -> &TimeZone {
        &self.names.site.zone.0
    }

    fn work_time(&self, name: Option<&str>) -> Option<&WorkTime> {
        self.names.work_time(name)
    }
}

impl Scope for TicketScope<'_> {
    fn get(&self, path: &[Box<str>]) -> Option<Value> {
        let (root, rest) = path.split_first()?;
        match &**root {
            "ticket" => ticket(self.names, &self.snapshot.ticket, self.snapshot.version, rest),
            "stored" => self.stored.and_then(|t| ticket(self.names, t, self.snapshot.version, rest)),
            "actor" => Some(person(Some(self.actor), rest)),
            "customer" => {
                let login = self.snapshot.ticket.customer_user.as_deref();
                Some(person(login.and_then(|l| self.people.get(l)).map(|p| &**p), rest))
            }
            "now" => Some(Value::Timestamp(self.now)),
            "site" => site(self.names, Some(&self.actor.language), rest),
            "steps" => self.step(rest),
            "process" => self.instance.and_then(|i| match rest.first().map(|s| &**s) {
                Some("name") => Some(Value::text(i.process.as_str())),
                Some("started") => Some(Value::Timestamp(i.started)),
                Some("started_by") => Some(Value::text(i.started_by.as_str())),
                Some("data") => datum(i.more.as_ref().map(|m| &m.data), rest.get(1)?),
                _ => None,
            }),
            "work" => self.work.and_then(|w| match rest.first().map(|s| &**s) {
                Some("activity") => Some(Value::text(w.activity.as_str())),
                Some("entered") => Some(Value::Timestamp(w.entered)),
                Some("data") => datum(w.copy().map(|c| &c.data), rest.get(1)?),
                Some("round") => Some(Value::Int(w.more.as_ref().map_or(0, |m| m.round).into())),
                _ => None,
            }),
            "event" => self.happening?.part(rest.first()?, self.names),
            "article" => self.happening?.article(rest.first()?),
            "value" => self.value.cloned(),
            "recipient" => self.recipient.map(|p| person(Some(p), rest)),
            "items" => self.items.map(items_value),
            name => self.named.and_then(|n| n.get(name)).cloned().or_else(|| {
                let copy = self.work?.copy().filter(|c| c.name.as_deref() == Some(name))?;
                copy.element.value()
            }),
        }
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn zone(&self) -> &TimeZone {
        &self.names.site.zone.0
    }

    fn has_role(&self, role: &str) -> bool {
        self.actor.has_role(role)
    }

    fn rule_held(&self, at: Span) {
        self.trace.iter().for_each(|t| t.ran(at));
    }

    fn work_time(&self, name: Option<&str>) -> Option<&WorkTime> {
        self.names.work_time(name)
    }

    fn active(&self, activity: &str) -> bool {
        self.instance.is_some_and(|i| self.snapshot.open_work().any(|w| w.instance == i.seq && w.activity == activity))
    }
}

impl TicketScope<'_> {
    fn step(&self, rest: &[Box<str>]) -> Option<Value> {
        let step = self.snapshot.step(self.instance?.seq, rest.first()?)?;
        match rest.get(1).map(|s| &**s) {
            None => Some(Value::Bool(true)),
            Some("outcome") => Some(Value::text(step.outcome.as_str())),
            Some("by") => Some(Value::text(step.by.as_str())),
            Some("at") => Some(Value::Timestamp(step.at)),
            Some("items") => Some(items_value(&step.items)),
            _ => None,
        }
    }
}

fn site(names: &Names, language: Option<&str>, rest: &[Box<str>]) -> Option<Value> {
    let site = &names.site;
    match (rest.first().map(|s| &**s)?, rest.get(1)) {
        ("name", _) => Some(Value::text(site.name.as_str())),
        ("title", _) => Some(Value::text(site.title.get(language.unwrap_or(site.main_language()), site.main_language()))),
        ("settings", Some(name)) => site.settings.get(name).map(|s| match s {
            Setting::Text(t) => Value::text(t.as_str()),
            Setting::Int(i) => Value::Int(*i),
            Setting::Bool(b) => Value::Bool(*b),
        }),
        _ => None,
    }
}

fn person(person: Option<&Person>, rest: &[Box<str>]) -> Value {
    let text = |f: fn(&Person) -> &str| Value::text(person.map_or("", f));
    match rest.first().map(|s| &**s) {
        None | Some("login") => text(|p| &p.login),
        Some("name") => text(|p| &p.name),
        Some("email") => text(|p| &p.email),
        Some("company") => text(|p| p.company.as_deref().unwrap_or("")),
        Some("kind") => text(|p| p.kind.word()),
        Some("roles") => {
            let roles = person.filter(|p| p.kind == PersonKind::Agent).map(|p| p.roles.iter().map(|r| Value::text(r.as_str())).collect());
            Value::List(Arc::new(roles.unwrap_or_default()))
        }
        Some(_) => Value::Map(Arc::new(BTreeMap::new())),
    }
}

fn datum(data: Option<&Data>, name: &str) -> Option<Value> {
    data?.get(name)?.value()
}

fn ticket(names: &Names, ticket: &Ticket, version: u64, rest: &[Box<str>]) -> Option<Value> {
    let text = |t: &str| Some(Value::text(t));
    let maybe = |t: Option<&str>| t.map(Value::text);
    match &**rest.first()? {
        "number" => text(&ticket.number),
        "title" => text(&ticket.title),
        "type" => text(&ticket.ticket_type),
        "queue" => text(&ticket.queue),
        "state" => text(&ticket.state),
        "state_type" => text(names.state_type(&ticket.state).word()),
        "priority" => Some(Value::Int(names.priority_level(&ticket.priority))),
        "priority_name" => text(&ticket.priority),
        "owner" => maybe(ticket.owner.as_deref()),
        "responsible" => maybe(ticket.responsible.as_deref()),
        "lock" => Some(Value::Bool(ticket.lock())),
        "accounted" => Some(Value::Int(ticket.accounted)),
        "customer" => maybe(ticket.customer.as_deref()),
        "customer_user" => maybe(ticket.customer_user.as_deref()),
        "created" => Some(Value::Timestamp(ticket.created)),
        "updated" => Some(Value::Timestamp(ticket.updated)),
        "pending_until" => ticket.pending_until.map(Value::Timestamp),
        "version" => Some(Value::Int(version as i64)),
        "fields" => {
            let field = names.fields.get(rest.get(1)?)?;
            let value = ticket.fields.get(field.name.as_str()).and_then(|j| from_stored(field, j)).or_else(|| when_unset(field))?;
            match (rest.get(2), value) {
                (None, value) => Some(value),
                (Some(part), Value::Map(m)) => m.get(&**part).cloned(),
                (Some(_), _) => None,
            }
        }
        _ => None,
    }
}

/// What automatic responses see: nothing that a stranger could have written.
pub struct ResponseScope<'a> {
    pub names: &'a Names,
    pub ticket: &'a Ticket,
    pub person: Option<&'a Person>,
    pub now: Timestamp,
}

impl Scope for ResponseScope<'_> {
    fn get(&self, path: &[Box<str>]) -> Option<Value> {
        let (root, rest) = path.split_first()?;
        match &**root {
            "ticket" => match &**rest.first()? {
                "number" | "queue" | "type" | "state" | "created" => ticket(self.names, self.ticket, 0, rest),
                _ => None,
            },
            "customer" => Some(person(self.person, rest)),
            _ => CommonScope { names: self.names, now: self.now }.get(path),
        }
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn zone(&self) -> &TimeZone {
        &self.names.site.zone.0
    }

    fn work_time(&self, name: Option<&str>) -> Option<&WorkTime> {
        self.names.work_time(name)
    }
}
