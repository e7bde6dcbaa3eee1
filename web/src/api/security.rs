//! The log of security, for administrators.

use crate::api::{failed, json_response};
use crate::extract::Query;
use crate::{App, RequestId};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

/// Most entries of a page.
const LIMIT_MAX: u32 = 1_000;

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    since: Option<Timestamp>,
    who: Option<String>,
    limit: Option<u32>,
    /// The id behind which the page begins.
    cursor: Option<i64>,
}

pub async fn list(State(app): State<App>, Extension(id): Extension<RequestId>, Query(asked): Query<Asked>) -> Response {
    let limit = asked.limit.unwrap_or(100).clamp(1, LIMIT_MAX);
    match app.desk.store.security_list(asked.since, asked.who.as_deref(), asked.cursor.unwrap_or(0), limit).await {
        Ok(rows) => {
            let next = rows.last().map(|r| r.id).filter(|_| rows.len() == limit as usize);
            let items: Vec<Json> = rows.iter().map(vorgang_runtime::security::entry_json).collect();
            json_response(StatusCode::OK, &json!({"items": items, "next": next.map(|n| n.to_string())}), None)
        }
        Err(e) => failed(e.into(), &id),
    }
}
