//! `/api/v1/processes`

use crate::api::{Body, FormBody, execute, json_response};
use crate::extract::Path;
use crate::problem::problem;
use crate::who::Who;
use crate::{App, RequestId};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value as Json, json};
use vorgang_core::commands::{Command, StartProcess};

pub async fn list(State(app): State<App>, Extension(who): Extension<Who>) -> Response {
    let model = app.desk.model();
    let mut items: Vec<Json> = vec![];
    for name in app.desk.catalogue(&who.person).await {
        let Some(process) = model.processes.get(&name) else { continue };
        let dialogs: Vec<Json> = match app.desk.start_form(&who.person, &name, None).await {
            Ok(Some(work)) => work
                .forms
                .iter()
                .map(|f| {
                    let fields: Vec<Json> = f.fields.iter().map(|f| json!({"name": f.name, "required": f.required})).collect();
                    let outcomes: Vec<&str> = f.outcomes.iter().map(|o| o.name.as_str()).collect();
                    json!({"dialog": f.dialog, "fields": fields, "article": f.article.as_ref().map(|a| json!({"required": a.required})), "outcomes": outcomes})
                })
                .collect(),
            _ => vec![],
        };
        let title = model.title(process.def.title.as_ref(), &name, &who.person.language);
        items.push(json!({"name": name, "title": title, "dialogs": dialogs}));
    }
    json_response(StatusCode::OK, &json!({"items": items}), None)
}

pub async fn start(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(name): Path<String>,
    body: Body<FormBody>,
) -> Response {
    let (body, key) = body.split();
    match body.form() {
        Ok(form) => {
            execute(&app, &who, &id, None, Command::StartProcess(StartProcess { process: name, form }), StatusCode::CREATED, key).await
        }
        Err(f) => problem(&f, &id),
    }
}
