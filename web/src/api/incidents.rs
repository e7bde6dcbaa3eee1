//! `/api/v1/incidents`, for administrators.

use crate::api::answers::{Changed, ItemList, parse_id, part_id};
use crate::api::body::{Body, Nothing};
use crate::api::commands::execute;
use crate::api::operation::Answer;
use crate::call::{Call, NoQuery};
use crate::problem::Fault;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use vorgang_core::commands::{Command, RetryIncident};
use vorgang_core::ids::TicketNumber;
use vorgang_core::rejection::Rejection;
use vorgang_core::rights;
use vorgang_runtime::Error;
use vorgang_store::IncidentRow;

/// Incidents of an answer.
const LIMIT: u32 = 200;

/// Something that failed, and waits for a person.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Incident")]
pub struct IncidentItem {
    id: String,
    /// The number of its ticket.
    #[schemars(with = "String")]
    ticket: TicketNumber,
    kind: String,
    message: String,
    /// Process and activity, where it happened in one.
    place: Option<String>,
    /// The expression that could not be evaluated.
    expression: Option<String>,
    /// What the expression read.
    values: BTreeMap<String, String>,
    /// The activities that ran before, for chains without an end.
    chain: Vec<String>,
    raised: Timestamp,
}

pub async fn list(call: Call) -> Result<Answer<ItemList<IncidentItem>>, Fault> {
    let rights = rights::visible(&call.app.desk.model().names, &call.who.person);
    let item = |r: IncidentRow| IncidentItem {
        id: part_id(r.ticket, r.incident.seq),
        ticket: r.number,
        kind: r.incident.kind,
        message: r.incident.message,
        place: r.incident.place,
        expression: r.incident.expression,
        values: r.incident.values,
        chain: r.incident.chain,
        raised: r.incident.raised,
    };
    let rows = call.app.desk.store.incident_list(&rights, LIMIT).await?;
    Ok(Answer::new(&ItemList { items: rows.into_iter().map(item).collect() }))
}

pub async fn retry(call: Call<String, NoQuery, Body<Nothing>>) -> Result<Answer<Changed>, Fault> {
    let (ticket, incident) = parse_id(&call.path)?;
    let number = call.app.desk.store.ticket_number(ticket).await?.ok_or(Error::Rejected(Rejection::NotFound))?;
    let (_, key) = call.body.split();
    execute(&call.app, &call.who, Some(&number), Command::RetryIncident(RetryIncident { incident }), &key).await
}
