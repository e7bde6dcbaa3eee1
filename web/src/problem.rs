//! Errors: RFC 9457 problem documents in the API, pages in the portal.

use crate::{App, RequestId};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use maud::html;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;
use vorgang_core::rejection::{FormError, Rejection};
use vorgang_runtime::Error;
use vorgang_store::StoreError;

/// The problem type (RFC 9457) of a request whose outcome is not known.
pub const OUTCOME_UNKNOWN: &str = "urn:vorgang:problem:outcome-unknown";

/// What went wrong, in both languages.
pub struct Fault {
    pub status: StatusCode,
    pub en: Box<str>,
    pub de: Box<str>,
    /// The problem type (RFC 9457).
    pub kind: &'static str,
    pub details: Box<Details>,
}

impl Fault {
    pub fn new(status: StatusCode, en: &str, de: &str) -> Self {
        Self { status, en: en.into(), de: de.into(), kind: "about:blank", details: Box::default() }
    }

    pub fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "The database does not answer. Nothing was changed; please try again.",
            "Die Datenbank antwortet nicht. Es wurde nichts geändert; bitte erneut versuchen.",
        )
    }

    /// Trouble of the store, each kind in its own words. What they say of changes is true: only an outcome that is known is told.
    fn of_store(error: &StoreError) -> Self {
        let (status, en, de) = match error {
            // Another release has to answer: this one would have to guess.
            StoreError::Newer(why) => {
                let german = format!("Dafür ist eine neuere Version nötig: {why}");
                return Self::new(StatusCode::SERVICE_UNAVAILABLE, &format!("This needs a newer release: {why}"), &german);
            }
            StoreError::Unknown(_) => {
                let mut fault = Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "The database was lost while it wrote: it is not known whether this was done. With an Idempotency-Key, send the same request \
                     again: it is done once. Without one, look first.",
                    "Die Datenbank ging beim Schreiben verloren: Es ist nicht bekannt, ob es ausgeführt wurde. Mit einem Idempotency-Key dieselbe \
                     Anfrage erneut senden: Sie wird einmal ausgeführt. Ohne einen zuerst nachsehen.",
                );
                fault.kind = OUTCOME_UNKNOWN;
                fault.details.reason = Some("outcome_unknown");
                return fault;
            }
            StoreError::Full(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The database has no space left. Nothing was changed; an administrator has to make room.",
                "Die Datenbank hat keinen Platz mehr. Es wurde nichts geändert; ein Administrator muss Platz schaffen.",
            ),
            StoreError::Busy(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The database has too much to do. Nothing was changed; please try again in a moment.",
                "Die Datenbank ist überlastet. Es wurde nichts geändert; bitte gleich noch einmal versuchen.",
            ),
            StoreError::Corrupt(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "The database holds something that cannot be read. Nothing was changed; please tell an administrator the number of this request.",
                "Die Datenbank enthält etwas Unlesbares. Es wurde nichts geändert; bitte einem Administrator die Nummer dieser Anfrage nennen.",
            ),
            StoreError::Conflict => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Others changed the same at the same time. Nothing was changed; please try again.",
                "Andere haben gleichzeitig dasselbe geändert. Es wurde nichts geändert; bitte erneut versuchen.",
            ),
            StoreError::NotFound => (StatusCode::NOT_FOUND, "It is not there.", "Das gibt es nicht."),
            StoreError::Unavailable(_) => return Self::unavailable(),
        };
        Self::new(status, en, de)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Rejected(r) => {
                let mut fault = Self::new(status(&r), &r.say("en"), &r.say("de"));
                fault.details = Box::new(details(&r));
                fault
            }
            Error::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "The Idempotency-Key was used for another request.",
                "Der Idempotency-Key wurde für eine andere Anfrage benutzt.",
            ),
            Error::Store(e) => {
                match &e {
                    StoreError::Corrupt(_) | StoreError::Newer(_) => tracing::error!("{e}"),
                    _ => tracing::warn!("{e}"),
                }
                Self::of_store(&e)
            }
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}

pub fn status(rejection: &Rejection) -> StatusCode {
    match rejection {
        Rejection::NotFound => StatusCode::NOT_FOUND,
        Rejection::Right(_) | Rejection::Acl(_) => StatusCode::FORBIDDEN,
        Rejection::LifeCycle { .. }
        | Rejection::Form(_)
        | Rejection::ReliedOn { .. }
        | Rejection::KeptOpen { .. }
        | Rejection::NoBranch(_)
        | Rejection::Failed(_)
        | Rejection::Unheard
        | Rejection::Unsound(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Rejection::Stale => StatusCode::PRECONDITION_FAILED,
        Rejection::Gone | Rejection::Conflict(_) => StatusCode::CONFLICT,
    }
}

fn details(rejection: &Rejection) -> Details {
    let reason = Some(rejection.word());
    match rejection {
        Rejection::Form(errors) => {
            let error = |(field, error): &(String, FormError)| FieldProblem {
                field: field.clone(),
                detail: error.say("en"),
                rule: match error {
                    FormError::Denied(denied) => Some(denied.acl.clone()),
                    _ => None,
                },
            };
            Details { reason, errors: errors.iter().map(error).collect(), ..Details::default() }
        }
        Rejection::Conflict(fields) => {
            let conflict = |(field, yours, stored): &(String, Json, Json)| Conflict {
                field: field.clone(),
                yours: yours.clone(),
                stored: stored.clone(),
            };
            Details { reason: Some("conflict"), conflicts: fields.iter().map(conflict).collect(), ..Details::default() }
        }
        Rejection::LifeCycle { from, to, .. } => {
            Details { reason: Some("life_cycle"), from: Some(from.to_string()), to: Some(to.to_string()), ..Details::default() }
        }
        Rejection::Acl(denied) => Details { reason: Some("acl"), rule: Some(denied.acl.clone()), ..Details::default() },
        _ => Details { reason, ..Details::default() },
    }
}

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem<'a> {
    /// `about:blank`, or a name where the status does not say enough.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    /// One sentence for a person.
    detail: &'a str,
    /// The number of the request, as it stands in the log.
    request_id: &'a str,
    #[serde(flatten)]
    details: &'a Details,
}

/// What programs may want to know of a problem.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Details {
    /// The kind of the refusal in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub reason: Option<&'static str>,
    /// What is wrong in a form, by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// Values that somebody else has changed meanwhile.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// The ACL that refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub rule: Option<String>,
    /// The state that the ticket has, where its life cycle forbids the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub from: Option<String>,
    /// The state that was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub to: Option<String>,
}

/// What is wrong with a field.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FieldProblem {
    field: String,
    detail: String,
    /// The ACL that refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    rule: Option<String>,
}

/// A value that somebody else has changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Conflict {
    field: String,
    yours: Json,
    stored: Json,
}

/// A problem document.
pub fn problem(fault: &Fault, id: &RequestId) -> Response {
    let body = Problem {
        kind: fault.kind,
        title: fault.status.canonical_reason().unwrap_or("Error"),
        status: fault.status.as_u16(),
        detail: &fault.en,
        request_id: &id.0,
        details: &fault.details,
    };
    let body = serde_json::to_string(&body).unwrap_or_default();
    (fault.status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
}

pub fn fault(api: bool, fault: Fault, id: &RequestId) -> Response {
    if api { problem(&fault, id) } else { page(&fault, id) }
}

/// A page that says it in both languages: it may be about a person who is not known.
pub fn page(fault: &Fault, id: &RequestId) -> Response {
    let body = crate::layout::bare(
        &fault.status.as_u16().to_string(),
        &html! {
            div.notice.bad role="alert" {
                h1 { (fault.status.as_u16()) }
                p { (fault.en) }
                p lang="de" { (fault.de) }
            }
            p { a href="/" { "Home · Startseite" } }
            p.quiet { "Request " code { (id.0) } }
        },
    );
    (fault.status, Html(body)).into_response()
}

pub async fn method_not_allowed(State(_): State<App>, request: Request) -> Response {
    let id = request.extensions().get::<RequestId>().cloned().unwrap_or(RequestId(String::new()));
    let api = request.uri().path().starts_with("/api/");
    fault(api, Fault::new(StatusCode::METHOD_NOT_ALLOWED, "This cannot be done here.", "Das geht hier nicht."), &id)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "Nothing was changed" is said only where that is known.
    #[test]
    fn trouble_of_the_store_has_its_own_words() {
        let why = || "the reason".to_owned();
        let told = |e: StoreError| Fault::from(Error::Store(e));
        let kinds = [
            (told(StoreError::Unavailable(why())), 503, "does not answer"),
            (told(StoreError::Busy(why())), 503, "too much to do"),
            (told(StoreError::Full(why())), 503, "no space left"),
            (told(StoreError::Corrupt(why())), 500, "cannot be read"),
            (told(StoreError::Conflict), 503, "at the same time"),
        ];
        for (fault, status, words) in kinds {
            assert_eq!(fault.status.as_u16(), status, "{}", fault.en);
            assert!(
                fault.en.contains(words) && fault.en.contains("Nothing was changed") && !fault.en.contains("the reason"),
                "{}",
                fault.en
            );
            assert_eq!(fault.kind, "about:blank");
        }
        let unknown = told(StoreError::Unknown(why()));
        assert_eq!((unknown.status.as_u16(), unknown.kind), (503, OUTCOME_UNKNOWN));
        assert!(!unknown.en.contains("Nothing was changed") && unknown.en.contains("Idempotency-Key"), "{}", unknown.en);
        assert!(!unknown.de.contains("nichts geändert"), "{}", unknown.de);
    }

    #[test]
    fn what_a_newer_release_wrote_is_its_to_answer() {
        let fault = Fault::from(Error::Store(StoreError::Newer("ticket 7, version 3: `ticket_cloned`".into())));
        assert_eq!(fault.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(fault.en.contains("newer release") && fault.en.contains("ticket 7"), "{}", fault.en);
    }
}
