//! `/api/v1/tickets`

use crate::api::answers::{Changed, ItemPage, Ticket};
use crate::api::body::{Body, if_match};
use crate::api::commands::execute;
use crate::api::inputs::{ArticleBody, take_files};
use crate::api::operation::Answer;
use crate::call::{Call, NoQuery};
use crate::problem::Fault;
use axum::http::StatusCode;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use vorgang_core::commands::{Command, NewTicket, PatchTicket};
use vorgang_core::filter::Filter;
use vorgang_core::ids::{Login, TicketNumber};
use vorgang_definitions::model::Model;
use vorgang_runtime::search::Wanted;
use vorgang_store::{Sort, TicketRow};

/// Tickets of a page.
const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 200;

/// A ticket that is to be created.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBody {
    title: String,
    #[serde(rename = "type")]
    ticket_type: String,
    queue: String,
    state: Option<String>,
    priority: Option<Priority>,
    /// The login of the customer.
    customer_user: Option<String>,
    /// Own fields by name.
    #[serde(default)]
    fields: BTreeMap<String, Json>,
    article: Option<ArticleBody>,
}

/// A priority, by its name or its level.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Priority {
    Name(String),
    Level(i64),
}

pub async fn create(call: Call<(), NoQuery, Body<NewBody>>) -> Result<Answer<Changed, 201>, Fault> {
    let (body, key) = call.body.split();
    let mut fields = body.fields;
    let blobs = take_files(&mut fields)?;
    let new = NewTicket {
        title: body.title,
        ticket_type: body.ticket_type,
        queue: body.queue,
        state: body.state,
        priority: body.priority.map(|p| match p {
            Priority::Name(name) => name,
            Priority::Level(level) => level.to_string(),
        }),
        customer_user: body.customer_user.map(Login::from),
        fields,
        article: body.article.map(ArticleBody::input).transpose()?,
        blobs,
    };
    execute(&call.app, &call.who, None, Command::CreateTicket(new), &key).await
}

/// Which tickets, and how many of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketQuery {
    /// Names of queues, with commas between them.
    queue: Option<String>,
    /// Names of states, with commas between them.
    state: Option<String>,
    /// Names of ticket types, with commas between them.
    #[serde(rename = "type")]
    ticket_type: Option<String>,
    /// The login of the owner, or `me`; for agents.
    owner: Option<String>,
    /// A condition in CEL, for agents.
    #[serde(rename = "where")]
    condition: Option<String>,
    /// Words, all of them in one article or in number and title; `word*` is a beginning.
    text: Option<String>,
    /// `-created` begins with the newest ticket and is what you get without `sort`; `created` begins with the oldest one.
    #[schemars(extend("enum" = ["created", "-created"]))]
    sort: Option<String>,
    /// Tickets of a page: 50 if not given.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<i64>,
}

impl TicketQuery {
    fn sort(&self) -> Result<Sort, Fault> {
        match self.sort.as_deref() {
            None | Some("-created") => Ok(Sort::NewestFirst),
            Some("created") => Ok(Sort::OldestFirst),
            Some(_) => Err(Fault::new(StatusCode::BAD_REQUEST, "sort is created or -created.", "sort ist created oder -created.")),
        }
    }

    fn filter(&self, me: &Login, agent: bool) -> Filter {
        let words = |list: &str| list.split(',').map(str::to_owned).collect::<Vec<_>>();
        let mut narrow = Filter::All;
        if let Some(queue) = &self.queue {
            narrow = narrow.and(Filter::Queue(words(queue)));
        }
        if let Some(state) = &self.state {
            narrow = narrow.and(Filter::State(words(state)));
        }
        if let Some(ticket_type) = &self.ticket_type {
            narrow = narrow.and(Filter::Type(words(ticket_type)));
        }
        if let Some(owner) = &self.owner {
            // Customers never see who works on it, so they cannot ask for it either.
            let owner = if owner == "me" { me.clone() } else { owner.as_str().into() };
            narrow = narrow.and(if agent { Filter::Owner(owner) } else { Filter::None });
        }
        narrow
    }
}

/// A ticket of a list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TicketItem {
    #[schemars(with = "String")]
    number: TicketNumber,
    title: String,
    #[serde(rename = "type")]
    ticket_type: String,
    queue: String,
    state: String,
    state_type: &'static str,
    /// The level of the priority.
    priority: i64,
    priority_name: String,
    /// The login of the owner, for agents.
    #[schemars(with = "Option<String>")]
    owner: Option<Login>,
    /// The company of the customer.
    customer: Option<String>,
    /// The login of the customer.
    #[schemars(with = "Option<String>")]
    customer_user: Option<Login>,
    created: Timestamp,
    updated: Timestamp,
}

impl TicketItem {
    fn new(model: &Model, row: TicketRow, agent: bool) -> Self {
        Self {
            number: row.number,
            title: row.title,
            ticket_type: row.ticket_type,
            queue: row.queue,
            state_type: model.names.state_type(&row.state).word(),
            state: row.state,
            priority: model.names.priority_level(&row.priority),
            priority_name: row.priority,
            owner: row.owner.filter(|_| agent),
            customer: row.customer,
            customer_user: row.customer_user,
            created: row.created,
            updated: row.updated,
        }
    }
}

pub async fn list(call: Call<(), TicketQuery>) -> Result<Answer<ItemPage<TicketItem>>, Fault> {
    let (desk, person, agent, q) = (&call.app.desk, &call.who.person, call.is_agent(), &call.query);
    let wanted = Wanted {
        narrow: q.filter(&person.login, agent),
        text: q.text.as_deref(),
        sort: q.sort()?,
        limit: q.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX),
        after: q.cursor,
    };
    let found = match &q.condition {
        None => desk.tickets_with(person, &wanted).await?,
        Some(_) if !agent => return Err(Fault::new(StatusCode::FORBIDDEN, "Conditions are for agents.", "Bedingungen sind für Agenten.")),
        Some(text) => {
            let wrong = |why| Fault::new(StatusCode::BAD_REQUEST, &format!("where: {why}."), &format!("where: {why}."));
            let condition = desk.condition(text).map_err(wrong)?;
            desk.search(person, &wanted, &condition).await?
        }
    };
    let model = desk.model();
    let items = found.items.into_iter().map(|row| TicketItem::new(&model, row, agent)).collect();
    Ok(Answer::new(&ItemPage { items, next: found.next }))
}

pub async fn read(call: Call<String>) -> Result<Answer<Ticket>, Fault> {
    let (desk, person) = (&call.app.desk, &call.who.person);
    let seen = desk.sighted(person, &call.path).await?;
    let ticket = Ticket::new(&seen.model, &seen.snapshot, call.is_agent(), desk.shown_fields(person, &seen.snapshot).as_ref());
    Ok(Answer::new(&ticket).at_version(seen.snapshot.version))
}

/// Attributes and own fields by name, which share one name space as in `set`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct PatchBody {
    /// The version that the caller has seen. What others have changed since is a conflict.
    version: Option<u64>,
    /// Own fields by name; they may also stand beside it.
    fields: Option<BTreeMap<String, Json>>,
    #[serde(flatten)]
    values: BTreeMap<String, Json>,
}

pub async fn change(call: Call<String, NoQuery, Body<PatchBody>>) -> Result<Answer<Changed>, Fault> {
    let (body, key) = call.body.split();
    let expected = if_match(&call.headers)?;
    let mut values = body.values;
    values.extend(body.fields.unwrap_or_default());
    let blobs = take_files(&mut values)?;
    let command = Command::PatchTicket(PatchTicket { values, seen: body.version.or(expected), expected, blobs });
    execute(&call.app, &call.who, Some(&call.path), command, &key).await
}
