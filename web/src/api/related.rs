//! What concerns a ticket and others: links, merging, splitting; who watches it, and its history.

use crate::api::answers::{Changed, ItemList};
use crate::api::body::Body;
use crate::api::commands::execute;
use crate::api::operation::Answer;
use crate::call::{Call, NoQuery};
use crate::problem::Fault;
use axum::http::StatusCode;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use vorgang_core::commands::{Command, MergeTicket, SplitTicket, WatchTicket};
use vorgang_core::event::Event;
use vorgang_core::ids::{ArticleId, TicketNumber};
use vorgang_definitions::actions::link::LinkKind;

/// Whether the caller watches the ticket.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WatchBody {
    watch: bool,
}

pub async fn watch(call: Call<String, NoQuery, Body<WatchBody>>) -> Result<Answer<Changed>, Fault> {
    let (WatchBody { watch }, key) = call.body.split();
    execute(&call.app, &call.who, Some(&call.path), Command::WatchTicket(WatchTicket { watch }), &key).await
}

/// The ticket that takes in the other one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeBody {
    #[schemars(with = "String")]
    into: TicketNumber,
}

pub async fn merge(call: Call<String, NoQuery, Body<MergeBody>>) -> Result<Answer<Changed>, Fault> {
    let (MergeBody { into }, key) = call.body.split();
    execute(&call.app, &call.who, Some(&call.path), Command::MergeTicket(MergeTicket { into }), &key).await
}

/// The message that becomes a ticket of its own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitBody {
    #[schemars(with = "u32")]
    article: ArticleId,
    #[serde(rename = "type")]
    ticket_type: String,
    queue: String,
}

pub async fn split(call: Call<String, NoQuery, Body<SplitBody>>) -> Result<Answer<Changed, 201>, Fault> {
    let (SplitBody { article, ticket_type, queue }, key) = call.body.split();
    let command = Command::SplitTicket(SplitTicket { article, ticket_type, queue });
    execute(&call.app, &call.who, Some(&call.path), command, &key).await
}

/// A link to another ticket.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkBody {
    /// The number of the other ticket.
    to: String,
    /// What the other ticket is to this one: `child`, `parent`, or `related` if not given.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["child", "parent", "related"]))]
    kind: Option<String>,
    /// `false` takes the link away.
    linked: Option<bool>,
}

pub async fn link(call: Call<String, NoQuery, Body<LinkBody>>) -> Result<Answer<Changed>, Fault> {
    let (body, key) = call.body.split();
    let kind = match body.kind.as_deref().map(LinkKind::from_word) {
        None => LinkKind::Related,
        Some(Some(kind)) => kind,
        Some(None) => {
            let (en, de) = ("type is child, parent or related.", "type ist child, parent oder related.");
            return Err(Fault::new(StatusCode::BAD_REQUEST, en, de));
        }
    };
    let command = call.app.desk.link_command(&call.who.person, &call.path, &body.to, kind, body.linked.unwrap_or(true)).await?;
    execute(&call.app, &call.who, Some(&call.path), command, &key).await
}

/// A linked ticket.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Link {
    #[schemars(with = "String")]
    number: TicketNumber,
    title: String,
    state: String,
    /// What it is to this one: `child`, `parent` or `related`.
    #[serde(rename = "type")]
    kind: String,
}

pub async fn links(call: Call<String>) -> Result<Answer<ItemList<Link>>, Fault> {
    let (desk, person) = (&call.app.desk, &call.who.person);
    let seen = desk.sighted(person, &call.path).await?;
    let links = desk.links(person, seen.snapshot.ticket.id).await?;
    let items = links.into_iter().map(|(row, kind)| Link { number: row.number, title: row.title, state: row.state, kind }).collect();
    Ok(Answer::new(&ItemList { items }))
}

/// A change of a ticket.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HistoryEntry {
    /// The ticket's version after it.
    version: u64,
    at: Timestamp,
    actor: String,
    command: String,
    cause: String,
    /// What has happened, each named by its `event`.
    #[schemars(with = "Vec<Map<String, Json>>")]
    events: Vec<Event>,
}

pub async fn history(call: Call<String>) -> Result<Answer<ItemList<HistoryEntry>>, Fault> {
    let rows = call.app.desk.history_view(&call.who.person, &call.path).await?;
    let entry = |r: vorgang_runtime::view::HistoryView| HistoryEntry {
        version: r.version,
        at: r.at,
        actor: r.actor,
        command: r.command,
        cause: r.cause,
        events: r.events,
    };
    Ok(Answer::new(&ItemList { items: rows.into_iter().map(entry).collect() }))
}
