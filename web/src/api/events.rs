//! `/api/v1/events/{name}`: messages to waiting processes, from agents and the systems that act for them.

use crate::api::body::Body;
use crate::api::operation::Answer;
use crate::call::{Call, NoQuery};
use crate::problem::Fault;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Json};
use vorgang_core::rights;
use vorgang_definitions::kinds::role::Right;
use vorgang_runtime::Error;
use vorgang_runtime::courier::SendError;

/// A message that was taken.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Message")]
pub struct Sent {
    id: i64,
}

pub async fn send(call: Call<String, NoQuery, Body<Map<String, Json>>>) -> Result<Answer<Sent, 202>, Fault> {
    let (desk, person) = (&call.app.desk, &call.who.person);
    let model = desk.model();
    let may = |q: &str| rights::in_queue(&model.names, person, q, Right::Rw);
    if !call.is_agent() || !model.names.queues.iter().any(|q| may(&q.name)) {
        let (en, de) = ("Messages are sent by agents who may change tickets.", "Nachrichten senden Agenten, die Tickets ändern dürfen.");
        return Err(Fault::new(StatusCode::FORBIDDEN, en, de));
    }
    let (data, key) = call.body.split();
    let name = &call.path;
    match desk.message(name, &data, &person.login, key.key.as_deref()).await {
        Ok(id) => Ok(Answer::new(&Sent { id })),
        Err(SendError::Unknown) => {
            let (en, de) = (format!("No process declares the message `{name}`."), format!("Kein Prozess kennt die Nachricht `{name}`."));
            Err(Fault::new(StatusCode::NOT_FOUND, &en, &de))
        }
        Err(SendError::Data(wrong)) => {
            let list = wrong.iter().map(|(name, why)| format!("{name} {why}")).collect::<Vec<_>>().join("; ");
            Err(Fault::new(StatusCode::UNPROCESSABLE_ENTITY, &format!("{list}."), &format!("{list}.")))
        }
        Err(SendError::KeyReused) => Err(Error::KeyReused.into()),
        Err(SendError::Store(e)) => Err(e.into()),
    }
}
