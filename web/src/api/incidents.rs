//! `/api/v1/incidents`, for administrators.

use crate::api::work::Nothing;
use crate::api::{Body, execute, failed, json_response, parse_id, part_id};
use crate::extract::Path;
use crate::who::Who;
use crate::{App, RequestId};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value as Json, json};
use vorgang_core::commands::{Command, RetryIncident};
use vorgang_core::ids::TicketId;
use vorgang_core::rejection::Rejection;
use vorgang_core::rights;
use vorgang_runtime::Error;

pub async fn list(State(app): State<App>, Extension(who): Extension<Who>, Extension(id): Extension<RequestId>) -> Response {
    let rights = rights::visible(&app.desk.model().names, &who.person);
    match app.desk.store.incident_list(&rights, 200).await {
        Ok(rows) => {
            let items: Vec<Json> = rows
                .iter()
                .map(|r| {
                    let i = &r.incident;
                    json!({
                        "id": part_id(r.ticket, i.seq), "ticket": r.number, "kind": i.kind, "message": i.message, "place": i.place,
                        "expression": i.expression, "values": i.values, "chain": i.chain, "raised": i.raised,
                    })
                })
                .collect();
            json_response(StatusCode::OK, &json!({"items": items}), None)
        }
        Err(e) => failed(e.into(), &id),
    }
}

pub async fn retry(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(incident): Path<String>,
    body: Body<Nothing>,
) -> Response {
    let (_, key) = body.split();
    let not_found = || Error::Rejected(Rejection::NotFound);
    let Some((ticket, seq)) = parse_id(&incident) else { return failed(not_found(), &id) };
    let number = match app.desk.store.ticket_load_by_id(TicketId(ticket)).await {
        Ok(Some(stored)) => stored.snapshot.ticket.number.clone(),
        Ok(None) => return failed(not_found(), &id),
        Err(e) => return failed(e.into(), &id),
    };
    execute(&app, &who, &id, Some(&number), Command::RetryIncident(RetryIncident { incident: seq }), StatusCode::OK, key).await
}
