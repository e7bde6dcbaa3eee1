//! `/api/v1/work`

use crate::api::{Body, FormBody, execute, failed, json_response, parse_id, part_id};
use crate::extract::{Path, Query};
use crate::problem::{Fault, problem};
use crate::who::Who;
use crate::{App, RequestId};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use vorgang_core::commands::{ClaimWork, Command, Hand, ReleaseWork, Steer, SubmitDialog};
use vorgang_core::ids::{TicketId, TicketNumber, WorkId};
use vorgang_core::rejection::Rejection;
use vorgang_runtime::Error;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkQuery {
    assigned: Option<String>,
    limit: Option<u32>,
}

pub async fn list(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Query(q): Query<WorkQuery>,
) -> Response {
    if q.assigned.as_deref().is_some_and(|a| a != "me") {
        return problem(&Fault::new(StatusCode::BAD_REQUEST, "assigned is me.", "assigned ist me."), &id);
    }
    let limit = q.limit.unwrap_or(50).clamp(1, 200);
    match app.desk.work(&who.person, q.assigned.is_some(), limit).await {
        Ok(rows) => {
            let items: Vec<Json> = rows
                .iter()
                .map(|r| {
                    json!({
                        "id": part_id(TicketId(r.ticket.id), r.item.seq), "ticket": r.ticket.number, "title": r.ticket.title, "process": r.process,
                        "activity": r.item.activity, "status": r.item.status.word(), "element": r.item.copy().map(|c| c.element.to_string()), "assigned_to": r.item.claimed_by, "entered": r.item.entered,
                    })
                })
                .collect();
            json_response(StatusCode::OK, &json!({"items": items}), None)
        }
        Err(e) => failed(e, &id),
    }
}

/// The ticket's number behind a work item's id.
async fn ticket_of(app: &App, id: &str) -> Result<(TicketNumber, WorkId), Error> {
    let (ticket, seq) = parse_id(id).ok_or(Error::Rejected(Rejection::NotFound))?;
    let stored = app.desk.store.ticket_load_by_id(TicketId(ticket)).await?.ok_or(Error::Rejected(Rejection::NotFound))?;
    Ok((stored.snapshot.ticket.number.clone(), seq))
}

pub async fn submit(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(work): Path<String>,
    body: Body<FormBody>,
) -> Response {
    let (body, key) = body.split();
    let form = match body.form() {
        Ok(form) => form,
        Err(f) => return problem(&f, &id),
    };
    match ticket_of(&app, &work).await {
        Ok((number, work)) => {
            execute(&app, &who, &id, Some(&number), Command::SubmitDialog(SubmitDialog { work, form }), StatusCode::OK, key).await
        }
        Err(e) => failed(e, &id),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// A command that has nothing but its work item.
async fn bare(app: &App, who: &Who, id: &RequestId, work: &str, body: Body<Nothing>, command: fn(WorkId) -> Command) -> Response {
    let (_, key) = body.split();
    match ticket_of(app, work).await {
        Ok((number, work)) => execute(app, who, id, Some(&number), command(work), StatusCode::OK, key).await,
        Err(e) => failed(e, id),
    }
}

pub async fn claim(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(work): Path<String>,
    body: Body<Nothing>,
) -> Response {
    bare(&app, &who, &id, &work, body, |work| Command::ClaimWork(ClaimWork { work })).await
}

pub async fn release(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(work): Path<String>,
    body: Body<Nothing>,
) -> Response {
    bare(&app, &who, &id, &work, body, |work| Command::ReleaseWork(ReleaseWork { work })).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SteerBody {
    hand: String,
    work: Option<String>,
    activity: Option<String>,
    process: Option<String>,
    outcome: Option<String>,
    to: Option<String>,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    anyway: bool,
}

pub async fn steer(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
    body: Body<SteerBody>,
) -> Response {
    let (body, key) = body.split();
    let (reason, anyway) = (body.reason.clone(), body.anyway);
    match hand(&app, &who, &number, body).await {
        Ok(Some(hand)) => {
            execute(&app, &who, &id, Some(&number), Command::Steer(Steer { hand, reason, anyway }), StatusCode::OK, key).await
        }
        Ok(None) => {
            let fault = Fault::new(
                StatusCode::BAD_REQUEST,
                "hand is what the description of the API lists, each with what it needs: work, activity, outcome, to.",
                "hand ist, was die Beschreibung der API aufzählt, jeweils mit dem, was es braucht: work, activity, outcome, to.",
            );
            problem(&fault, &id)
        }
        Err(e) => failed(e, &id),
    }
}

/// `None` where something is missing, or belongs to another ticket.
async fn hand(app: &App, who: &Who, number: &str, body: SteerBody) -> Result<Option<Hand>, Error> {
    if body.hand == "redo" {
        let Some(activity) = body.activity else { return Ok(None) };
        let view = app.desk.ticket_view(&who.person, number).await?;
        let runs = |i: &&vorgang_core::snapshot::Instance| i.outcome.is_none() && body.process.as_ref().is_none_or(|p| *p == i.process);
        let instance = view.snapshot.instances.iter().rev().find(runs).map(|i| i.seq);
        return instance.map(|instance| Some(Hand::Redo { instance, activity })).ok_or(Error::Rejected(Rejection::Gone));
    }
    let Some(work) = body.work else { return Ok(None) };
    let (of, seq) = ticket_of(app, &work).await?;
    Ok(if *of == *number { Hand::of_work(&body.hand, seq, body.outcome, body.to) } else { None })
}
