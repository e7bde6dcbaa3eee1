//! `/api/v1/work`, and work by hand.

use crate::App;
use crate::api::answers::{Changed, ItemList, parse_id, part_id};
use crate::api::body::{Body, Nothing};
use crate::api::commands::execute;
use crate::api::inputs::FormBody;
use crate::api::operation::Answer;
use crate::call::{Call, NoQuery};
use crate::problem::Fault;
use axum::http::StatusCode;
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use vorgang_core::commands::{ClaimWork, Command, Hand, ReleaseWork, Steer, SubmitDialog};
use vorgang_core::ids::{Login, TicketId, TicketNumber, WorkId};
use vorgang_core::rejection::Rejection;
use vorgang_core::snapshot::Instance;
use vorgang_runtime::Error;

/// Which work, and how much of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkQuery {
    /// `me`: only work that you have claimed.
    #[schemars(extend("enum" = ["me"]))]
    assigned: Option<String>,
    /// Work items of an answer: 50 if not given.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

/// Open work that the caller can do.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OpenWork {
    id: String,
    /// The number of its ticket.
    #[schemars(with = "String")]
    ticket: TicketNumber,
    /// The title of its ticket.
    title: String,
    process: String,
    activity: String,
    status: &'static str,
    /// The element that a copy of `for_each` is for.
    element: Option<String>,
    /// The login of the person who has claimed it.
    #[schemars(with = "Option<String>")]
    assigned_to: Option<Login>,
    entered: Timestamp,
}

pub async fn list(call: Call<(), WorkQuery>) -> Result<Answer<ItemList<OpenWork>>, Fault> {
    let q = &call.query;
    if q.assigned.as_deref().is_some_and(|a| a != "me") {
        return Err(Fault::new(StatusCode::BAD_REQUEST, "assigned is me.", "assigned ist me."));
    }
    let rows = call.app.desk.work(&call.who.person, q.assigned.is_some(), q.limit.unwrap_or(50).clamp(1, 200)).await?;
    let item = |r: vorgang_store::WorkRow| OpenWork {
        id: part_id(TicketId(r.ticket.id), r.item.seq),
        ticket: r.ticket.number,
        title: r.ticket.title,
        process: r.process,
        status: r.item.status.word(),
        element: r.item.copy().map(|c| c.element.to_string()),
        entered: r.item.entered,
        activity: r.item.activity,
        assigned_to: r.item.claimed_by,
    };
    Ok(Answer::new(&ItemList { items: rows.into_iter().map(item).collect() }))
}

/// The ticket's number behind a work item's id.
async fn ticket_of(app: &App, id: &str) -> Result<(TicketNumber, WorkId), Fault> {
    let (ticket, seq) = parse_id(id)?;
    let number = app.desk.store.ticket_number(ticket).await?;
    Ok((number.ok_or(Error::Rejected(Rejection::NotFound))?, seq))
}

pub async fn submit(call: Call<String, NoQuery, Body<FormBody>>) -> Result<Answer<Changed>, Fault> {
    let (body, key) = call.body.split();
    let form = body.form()?;
    let (number, work) = ticket_of(&call.app, &call.path).await?;
    execute(&call.app, &call.who, Some(&number), Command::SubmitDialog(SubmitDialog { work, form }), &key).await
}

pub async fn claim(call: Call<String, NoQuery, Body<Nothing>>) -> Result<Answer<Changed>, Fault> {
    let (number, work) = ticket_of(&call.app, &call.path).await?;
    execute(&call.app, &call.who, Some(&number), Command::ClaimWork(ClaimWork { work }), &call.body.split().1).await
}

pub async fn release(call: Call<String, NoQuery, Body<Nothing>>) -> Result<Answer<Changed>, Fault> {
    let (number, work) = ticket_of(&call.app, &call.path).await?;
    execute(&call.app, &call.who, Some(&number), Command::ReleaseWork(ReleaseWork { work }), &call.body.split().1).await
}

/// Work by hand.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SteerBody {
    #[schemars(schema_with = "hands")]
    hand: String,
    /// The id of the work item; all but `redo` need it.
    work: Option<String>,
    /// With `redo`, the step.
    activity: Option<String>,
    /// With `redo`, the process that the step belongs to, where several run.
    process: Option<String>,
    /// With `complete` and `skip`.
    outcome: Option<String>,
    /// With `move` the activity, with `hand_over` the login.
    to: Option<String>,
    /// Needed for all but `resume` and `hand_over`.
    #[serde(default)]
    reason: String,
    /// Even where the process cannot go on well from there.
    #[serde(default)]
    anyway: bool,
}

fn hands(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": Hand::WORDS})
}

pub async fn steer(call: Call<String, NoQuery, Body<SteerBody>>) -> Result<Answer<Changed>, Fault> {
    let (mut body, key) = call.body.split();
    let (reason, anyway) = (std::mem::take(&mut body.reason), body.anyway);
    let Some(hand) = hand(&call.app, &call.who, &call.path, body).await? else {
        return Err(Fault::new(
            StatusCode::BAD_REQUEST,
            "hand is one of those in the description of the API, each with what it needs: work, activity, outcome, to.",
            "hand ist eines aus der Beschreibung der API, jeweils mit dem, was es braucht: work, activity, outcome, to.",
        ));
    };
    execute(&call.app, &call.who, Some(&call.path), Command::Steer(Steer { hand, reason, anyway }), &key).await
}

/// `None` where something is missing, or belongs to another ticket.
async fn hand(app: &App, who: &crate::who::Who, number: &str, body: SteerBody) -> Result<Option<Hand>, Fault> {
    if body.hand == "redo" {
        let Some(activity) = body.activity else { return Ok(None) };
        let seen = app.desk.sighted(&who.person, number).await?;
        let runs = |i: &&Instance| i.outcome.is_none() && body.process.as_ref().is_none_or(|p| *p == i.process);
        let instance = seen.snapshot.instances.iter().rev().find(runs).map(|i| i.seq);
        let instance = instance.ok_or(Error::Rejected(Rejection::Gone))?;
        return Ok(Some(Hand::Redo { instance, activity }));
    }
    let Some(work) = body.work else { return Ok(None) };
    let (of, seq) = ticket_of(app, &work).await?;
    Ok(if *of == *number { Hand::of_work(&body.hand, seq, body.outcome, body.to) } else { None })
}
