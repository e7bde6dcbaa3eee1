//! Pages, one file each.

pub mod admin;
pub mod agent;
pub mod home;
pub mod jobs;
pub mod letter;
pub mod mail;
pub mod notifications;
pub mod outbox;
pub mod related;
pub mod settings;
pub mod sign_in;
pub mod start;
pub mod steer;
pub mod ticket;
pub mod told;

use crate::call::Call;
use crate::input::Once;
use crate::problem::{Fault, fault};
use crate::{App, RequestId};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use vorgang_core::decision::Remark;
use vorgang_core::ids::TicketNumber;
use vorgang_runtime::{Answer, Done, Error, Idempotent, Request as Wish};

pub async fn not_found(State(_): State<App>, request: Request) -> Response {
    let id = request.extensions().get::<RequestId>().cloned().unwrap_or_else(crate::layout::no_id);
    let api = request.uri().path().starts_with("/api/");
    fault(api, Fault::new(StatusCode::NOT_FOUND, "There is no such page.", "Diese Seite gibt es nicht."), &id)
}

/// A handler of a page, as the router takes it: a fault is told as a page.
pub fn page<P, Q, B, F, R>(handler: F) -> impl Fn(Call<P, Q, B>) -> BoxFuture<'static, Response> + Clone + Send + Sync + 'static
where
    F: Fn(Call<P, Q, B>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Response, Fault>> + Send + 'static,
{
    move |call| {
        let (id, answer) = (call.id.clone(), handler(call));
        Box::pin(async move { answer.await.unwrap_or_else(|fault| crate::problem::page(&fault, &id)) })
    }
}

/// An error without a form to go back to.
pub fn failed(error: Error, id: &RequestId) -> Response {
    crate::problem::page(&Fault::from(error), id)
}

/// A file that was sent by somebody: saved under its name, and never run as a page.
pub fn download(name: &str, bytes: Vec<u8>) -> Response {
    let ascii: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_ ".contains(c) { c } else { '_' }).collect();
    let disposition = format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{}", crate::input::encode(name));
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".to_owned()),
    ];
    (headers, bytes).into_response()
}

/// Runs a form's command; sent twice, it is done once, and the answer leads to the same ticket.
pub async fn execute(app: &App, wish: Wish<'_>, once: Option<Once>) -> Result<(TicketNumber, Option<Remark>), Error> {
    let answer = |done: &Done| (200, done.after.ticket.number.to_string());
    let idempotent = once.as_ref().map(|o| Idempotent { key: &o.key, body_hash: o.hash, answer: &answer });
    Ok(match app.desk.execute_once(wish, idempotent).await? {
        Answer::Done(done) => (done.after.ticket.number.clone(), done.notice),
        Answer::Again(_, number) => (number.into(), None),
    })
}
