//! What the API answers about tickets.

use crate::problem::Fault;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::str::FromStr;
use vorgang_core::ids::{Login, Seq, TicketId, TicketNumber};
use vorgang_core::rejection::Rejection;
use vorgang_core::snapshot::{Snapshot, WorkItem};
use vorgang_definitions::model::Model;
use vorgang_definitions::values::from_stored;
use vorgang_runtime::Error;

/// All there are.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub struct ItemList<T> {
    pub items: Vec<T>,
}

/// A part of all there are.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct ItemPage<T> {
    pub items: Vec<T>,
    /// The `cursor` of the next page; null where this is the last one.
    pub next: Option<i64>,
}

/// A ticket, as far as the caller may see it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Ticket {
    #[schemars(with = "String")]
    pub number: TicketNumber,
    pub title: String,
    #[serde(rename = "type")]
    pub ticket_type: String,
    pub queue: String,
    pub state: String,
    pub state_type: &'static str,
    /// The level of the priority.
    pub priority: i64,
    pub priority_name: String,
    /// The login of the owner, for agents.
    #[schemars(with = "Option<String>")]
    pub owner: Option<Login>,
    /// The login of the person in charge, for agents.
    #[schemars(with = "Option<String>")]
    pub responsible: Option<Login>,
    /// The company of the customer.
    pub customer: Option<String>,
    /// The login of the customer.
    #[schemars(with = "Option<String>")]
    pub customer_user: Option<Login>,
    /// Whether the owner holds it, for agents.
    pub lock: Option<bool>,
    /// Minutes of work, for agents.
    pub accounted: Option<i64>,
    /// Logins of the people who watch it, for agents.
    #[schemars(with = "Vec<String>")]
    pub watchers: Vec<Login>,
    /// Own fields by name. Decimals are strings.
    pub fields: serde_json::Map<String, Json>,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub pending_until: Option<Timestamp>,
    /// Every change makes it one more.
    pub version: u64,
    /// Open work.
    pub work: Vec<Work>,
}

/// Open work of a ticket.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Work {
    pub id: String,
    pub process: String,
    pub activity: String,
    pub status: &'static str,
    /// The element that a copy of `for_each` is for.
    pub element: Option<String>,
    /// The forms that complete it; `approval` is a vote.
    pub dialogs: Vec<String>,
    /// The login of the person who has claimed it, for agents.
    #[schemars(with = "Option<String>")]
    pub assigned_to: Option<Login>,
    pub due: Option<Timestamp>,
}

impl Ticket {
    /// The ticket with these own fields; `None` for all.
    pub fn new(model: &Model, snapshot: &Snapshot, agent: bool, shown: Option<&BTreeSet<String>>) -> Self {
        let (t, names) = (&snapshot.ticket, &model.names);
        Self {
            number: t.number.clone(),
            title: t.title.clone(),
            ticket_type: t.ticket_type.clone(),
            queue: t.queue.clone(),
            state: t.state.clone(),
            state_type: names.state_type(&t.state).word(),
            priority: names.priority_level(&t.priority),
            priority_name: t.priority.clone(),
            owner: t.owner.clone().filter(|_| agent),
            responsible: t.responsible.clone().filter(|_| agent),
            customer: t.customer.clone(),
            customer_user: t.customer_user.clone(),
            lock: agent.then(|| t.lock()),
            accounted: agent.then_some(t.accounted),
            watchers: if agent { snapshot.watchers.to_vec() } else { vec![] },
            fields: fields(model, snapshot, shown),
            created: t.created,
            updated: t.updated,
            pending_until: t.pending_until,
            version: snapshot.version,
            work: snapshot.open_work().filter_map(|w| Work::new(model, snapshot, w, agent)).collect(),
        }
    }
}

fn fields(model: &Model, snapshot: &Snapshot, shown: Option<&BTreeSet<String>>) -> serde_json::Map<String, Json> {
    let all = snapshot.ticket.fields.iter().filter(|(name, _)| shown.is_none_or(|s| s.contains(*name)));
    let value = |(name, stored): (&String, &Json)| {
        let mut value = from_stored(model.names.fields.get(name)?, stored)?.to_json();
        // Where a file's content lies is nobody's business.
        if let Json::Object(file) = &mut value {
            file.remove("blob");
        }
        Some((name.clone(), value))
    };
    all.filter_map(value).collect()
}

impl Work {
    /// `None` where the caller may not know of it.
    fn new(model: &Model, snapshot: &Snapshot, item: &WorkItem, agent: bool) -> Option<Self> {
        let instance = snapshot.instance(item.instance)?;
        let activity = model.process_by_hash(&instance.hash)?.def.activities.get(&item.activity)?;
        if !agent && !activity.is_public() {
            return None;
        }
        let vote = activity.approval.iter().map(|_| "approval");
        Some(Self {
            id: part_id(snapshot.ticket.id, item.seq),
            process: instance.process.clone(),
            activity: item.activity.clone(),
            status: item.status.word(),
            element: item.copy().map(|c| c.element.to_string()),
            dialogs: activity.dialogs.names().chain(vote).map(str::to_owned).collect(),
            assigned_to: item.claimed_by.clone().filter(|_| agent),
            due: vorgang_core::offered::due(snapshot, activity, item.seq),
        })
    }
}

/// A ticket after a command.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Changed {
    #[serde(flatten)]
    pub ticket: Seen,
    /// Numbers of tickets that the command has made, for agents.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub made: Vec<TicketNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Notice")]
    pub notice: Option<Notice>,
}

/// The whole ticket, or its number and version where the caller may not see it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Seen {
    Ticket(Box<Ticket>),
    Number(Number),
}

/// A ticket that the caller may not see.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TicketNumber")]
pub struct Number {
    #[schemars(with = "String")]
    pub number: TicketNumber,
    pub version: u64,
}

/// What was done, and something to know about it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// Saved, but no way on was open: the conditions that were false, for agents.
    NoBranch(Vec<String>),
    /// Saved on a closed ticket whose queue takes no follow-ups: nobody reads it.
    Rejected(bool),
    /// The ticket is closed: this new one took the message.
    NewTicket(#[schemars(with = "String")] TicketNumber),
    /// Saved, and something needs a person: why, for agents.
    Incident(String),
}

/// The id of a work item or incident in the API: its ticket's id, and its own within the ticket.
pub fn part_id(ticket: TicketId, part: impl Into<Seq>) -> String {
    format!("{ticket}-{}", part.into())
}

/// What [`part_id`] wrote.
pub fn parse_id<T: FromStr>(id: &str) -> Result<(TicketId, T), Fault> {
    let read = || {
        let (ticket, seq) = id.split_once('-')?;
        Some((TicketId(ticket.parse().ok()?), seq.parse().ok()?))
    };
    read().ok_or_else(|| Fault::from(Error::Rejected(Rejection::NotFound)))
}
