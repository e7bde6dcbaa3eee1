//! Pages, one file each.

pub mod admin;
pub mod agent;
pub mod home;
pub mod notifications;
pub mod sign_in;
pub mod start;
pub mod ticket;

use crate::problem::{Fault, fault};
use crate::{App, RequestId};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use vorgang_runtime::Error;

pub async fn not_found(State(_): State<App>, request: Request) -> Response {
    let id = request.extensions().get::<RequestId>().cloned().unwrap_or_else(crate::layout::no_id);
    let api = request.uri().path().starts_with("/api/");
    fault(api, Fault::new(StatusCode::NOT_FOUND, "There is no such page.", "Diese Seite gibt es nicht."), &id)
}

/// An error without a form to go back to.
pub fn failed(error: Error, id: &RequestId) -> Response {
    crate::problem::page(&Fault::from(error), id)
}
