//! `/api/v1/security-log`, for administrators.

use crate::api::operation::Answer;
use crate::call::Call;
use crate::problem::Fault;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use vorgang_runtime::security::details;
use vorgang_store::security::LogRow;

/// Entries of a page.
const LIMIT: u32 = 100;
const LIMIT_MAX: u32 = 1_000;

/// Which entries, and how many of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecurityQuery {
    /// Entries of this time and later.
    since: Option<Timestamp>,
    /// Entries of this login or about it.
    who: Option<String>,
    /// Entries of a page: 100 if not given.
    #[schemars(range(min = 1, max = 1_000))]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<i64>,
}

/// Entries of the log.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SecurityPage")]
pub struct Entries {
    items: Vec<SecurityEntry>,
    /// The `cursor` of the next page; null where this is the last one.
    next: Option<String>,
}

/// An entry of the log of security.
#[derive(Debug, Serialize, JsonSchema)]
struct SecurityEntry {
    id: i64,
    at: Option<Timestamp>,
    actor: String,
    /// The door: `portal`, `api`, `command line`, and the like.
    cause: String,
    event: String,
    about: String,
    /// What else is known of it, by the kind of the event.
    details: Json,
}

pub async fn list(call: Call<(), SecurityQuery>) -> Result<Answer<Entries>, Fault> {
    let q = &call.query;
    let limit = q.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let rows = call.app.desk.store.security_list(q.since, q.who.as_deref(), q.cursor.unwrap_or(0), limit).await?;
    let next = rows.last().map(|r| r.id.to_string()).filter(|_| rows.len() == limit as usize);
    let entry = |r: LogRow| SecurityEntry {
        id: r.id,
        at: Timestamp::from_microsecond(r.at).ok(),
        details: details(&r),
        actor: r.actor,
        cause: r.cause,
        event: r.event,
        about: r.about,
    };
    Ok(Answer::new(&Entries { items: rows.into_iter().map(entry).collect(), next }))
}
