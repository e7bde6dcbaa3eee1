//! `GET /api/v1/tickets/{number}/choices`: what may be chosen and done by hand; `explain=true` says why not.

use crate::api::{failed, json_response};
use crate::extract::{Path, Query};
use crate::who::Who;
use crate::{App, RequestId};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use vorgang_core::acl::Shape;
use vorgang_core::choices::{Choice, Choices};
use vorgang_core::denied::Denied;
use vorgang_core::rejection::Rejection;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoicesQuery {
    #[serde(default)]
    explain: bool,
}

pub async fn choices(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
    Query(query): Query<ChoicesQuery>,
) -> Response {
    match app.desk.ticket_view(&who.person, &number).await {
        Ok(view) => {
            let choices = app.desk.choices(&who.person, &view, &BTreeMap::new());
            json_response(StatusCode::OK, &body(&choices, query.explain), Some(view.snapshot.version))
        }
        Err(e) => failed(e, &id),
    }
}

fn body(choices: &Choices, explain: bool) -> Json {
    let choice = |c: &Choice| {
        let mut json = json!({"name": c.name, "now": c.now, "left": c.left().collect::<Vec<_>>()});
        if explain {
            json["missing"] = c.missing().map(|o| json!({"value": o.value, "refused": refusals(&o.refused)})).collect();
        }
        json
    };
    let action = |(name, refused): &(&'static str, Vec<Rejection>)| {
        let mut json = json!({"name": name, "may": refused.is_empty()});
        if explain && !refused.is_empty() {
            json["refused"] = refusals(refused);
        }
        json
    };
    let field = |(name, shape): (&String, &Shape)| {
        let mut json = json!({"name": name, "is": shape.word()});
        if explain {
            json["because"] = of_acl(shape.denied());
        }
        json
    };
    json!({
        "choices": choices.choices.iter().map(choice).collect::<Vec<_>>(),
        "actions": choices.actions.iter().map(action).collect::<Vec<_>>(),
        "fields": choices.shapes.iter().map(field).collect::<Vec<_>>(),
    })
}

/// All that refuse, in the order in which they are asked.
fn refusals(all: &[Rejection]) -> Json {
    let one = |refused: &Rejection| match refused {
        Rejection::Acl(denied) => of_acl(denied),
        other => json!({"by": other.word(), "detail": other.say("en")}),
    };
    all.iter().map(one).collect()
}

fn of_acl(denied: &Denied) -> Json {
    let mut json =
        json!({"by": "acl", "detail": denied.say("en"), "rule": denied.acl, "condition": denied.condition, "values": denied.values});
    if let Some(error) = &denied.error {
        json["error"] = error.as_str().into();
    }
    json
}
