//! `/api/v1/events/{name}`: messages to waiting processes, from agents and the systems that act for them.

use crate::api::{Body, json_response};
use crate::extract::Path;
use crate::problem::{Fault, problem};
use crate::who::Who;
use crate::{App, RequestId};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value as Json, json};
use vorgang_core::people::PersonKind;
use vorgang_core::rights;
use vorgang_definitions::kinds::role::Right;
use vorgang_runtime::Error;
use vorgang_runtime::courier::SendError;

pub async fn send(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(name): Path<String>,
    body: Body<Map<String, Json>>,
) -> Response {
    let model = app.desk.model();
    let may = |q: &str| rights::in_queue(&model.names, &who.person, q, Right::Rw);
    if who.person.kind != PersonKind::Agent || !model.names.queues.iter().any(|q| may(&q.name)) {
        let (en, de) = ("Messages are sent by agents who may change tickets.", "Nachrichten senden Agenten, die Tickets ändern dürfen.");
        return problem(&Fault::new(StatusCode::FORBIDDEN, en, de), &id);
    }
    let (data, key) = body.split();
    match app.desk.message(&name, &data, &who.person.login, key.key.as_deref()).await {
        Ok(message) => json_response(StatusCode::ACCEPTED, &json!({"id": message}), None),
        Err(SendError::Unknown) => {
            let (en, de) = (format!("No process declares the message `{name}`."), format!("Kein Prozess kennt die Nachricht `{name}`."));
            problem(&Fault::new(StatusCode::NOT_FOUND, &en, &de), &id)
        }
        Err(SendError::Data(wrong)) => {
            let list = wrong.iter().map(|(name, why)| format!("{name} {why}")).collect::<Vec<_>>().join("; ");
            problem(&Fault::new(StatusCode::UNPROCESSABLE_ENTITY, &format!("{list}."), &format!("{list}.")), &id)
        }
        Err(SendError::KeyReused) => problem(&Fault::from(Error::KeyReused), &id),
        Err(SendError::Store(e)) => problem(&Fault::from(Error::from(e)), &id),
    }
}
