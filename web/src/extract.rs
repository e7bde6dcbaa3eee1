//! Parts of an address, read into types. What cannot be read is told like every other error: a page in the portal, a
//! problem document in the API.

use crate::problem::{Fault, fault};
use crate::{App, RequestId};
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde::de::DeserializeOwned;
use vorgang_core::ids::ArticleId;

pub struct Path<T>(pub T);

pub struct Query<T>(pub T);

fn refused(parts: &Parts, status: StatusCode, en: &str, de: &str) -> Response {
    let id = parts.extensions.get::<RequestId>().cloned().unwrap_or_else(crate::layout::no_id);
    fault(parts.uri.path().starts_with("/api/"), Fault::new(status, en, de), &id)
}

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let read = axum::extract::Path::<T>::from_request_parts(parts, app).await;
        // An address that cannot be read names nothing that exists.
        read.map(|p| Self(p.0)).map_err(|_| refused(parts, StatusCode::NOT_FOUND, "There is no such page.", "Diese Seite gibt es nicht."))
    }
}

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let read = axum::extract::Query::<T>::from_request_parts(parts, app).await;
        let bad = || {
            let status = StatusCode::BAD_REQUEST;
            refused(parts, status, "Unknown or malformed query parameter.", "Unbekannter oder falscher Parameter.")
        };
        read.map(|q| Self(q.0)).map_err(|_| bad())
    }
}

/// The parameters of a path, in their order.
pub trait Parameters: Sized + Send {
    /// The JSON type of each.
    const TYPES: &'static [&'static str];

    fn read(parts: &mut Parts, app: &App) -> impl Future<Output = Result<Self, Response>> + Send;
}

impl Parameters for () {
    const TYPES: &'static [&'static str] = &[];

    async fn read(_: &mut Parts, _: &App) -> Result<Self, Response> {
        Ok(())
    }
}

impl Parameters for String {
    const TYPES: &'static [&'static str] = &["string"];

    async fn read(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        Path::from_request_parts(parts, app).await.map(|Path(name)| name)
    }
}

impl Parameters for i64 {
    const TYPES: &'static [&'static str] = &["integer"];

    async fn read(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        Path::from_request_parts(parts, app).await.map(|Path(id)| id)
    }
}

impl Parameters for (String, ArticleId) {
    const TYPES: &'static [&'static str] = &["string", "integer"];

    async fn read(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        Path::from_request_parts(parts, app).await.map(|Path(both)| both)
    }
}
