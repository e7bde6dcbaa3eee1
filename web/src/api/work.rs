//! `/api/v1/work`

use super::{Body, FormBody, failed, json_response, parse_id, run, work_id};
use crate::auth::Who;
use crate::extract::{Path, Query};
use crate::problem::{Fault, problem};
use crate::{App, RequestId};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use vorgang_core::{Command, Rejection};
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
                        "id": work_id(r.ticket.id, r.item.seq), "ticket": r.ticket.number, "title": r.ticket.title, "process": r.process,
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
async fn ticket_of(app: &App, id: &str) -> Result<(String, u32), Error> {
    let (ticket, seq) = parse_id(id).ok_or(Error::Rejected(Rejection::NotFound))?;
    let stored = app.desk.store.ticket_load_by_id(ticket).await?.ok_or(Error::Rejected(Rejection::NotFound))?;
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
        Ok((number, work)) => run(&app, &who, &id, Some(&number), Command::SubmitDialog { work, form }, StatusCode::OK, key).await,
        Err(e) => failed(e, &id),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

pub async fn claim(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(work): Path<String>,
    body: Body<Nothing>,
) -> Response {
    let (_, key) = body.split();
    match ticket_of(&app, &work).await {
        Ok((number, work)) => run(&app, &who, &id, Some(&number), Command::ClaimWork { work }, StatusCode::OK, key).await,
        Err(e) => failed(e, &id),
    }
}
