//! What a handler is called with: who asks, and the parts of the request read into types. A handler answers a [`Fault`] for what
//! goes wrong; whoever mounts it says that in the form of its door.

use crate::extract::{Parameters, Query};
use crate::layout;
use crate::problem::{Fault, fault};
use crate::who::Who;
use crate::{App, RequestId};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::de::DeserializeOwned;

/// A request of somebody who is known: `P` are the parameters of its path, `Q` those of its query, `B` is its body.
pub struct Call<P = (), Q = NoQuery, B = NoBody> {
    pub app: App,
    pub who: Who,
    pub id: RequestId,
    pub headers: HeaderMap,
    pub path: P,
    pub query: Q,
    pub body: B,
}

/// Parameters of the query are not looked at.
#[derive(Debug, Default, serde::Deserialize, schemars::JsonSchema)]
pub struct NoQuery {}

/// The body is not read.
pub struct NoBody;

impl FromRequest<App> for NoBody {
    type Rejection = Response;

    async fn from_request(_: Request, _: &App) -> Result<Self, Response> {
        Ok(Self)
    }
}

impl<P, Q, B> FromRequest<App> for Call<P, Q, B>
where
    P: Parameters,
    Q: DeserializeOwned + Send,
    B: FromRequest<App, Rejection = Response> + Send,
{
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let id = parts.extensions.get::<RequestId>().cloned().unwrap_or_else(layout::no_id);
        let Some(who) = parts.extensions.get::<Who>().cloned() else {
            let unknown = Fault::new(StatusCode::UNAUTHORIZED, "Sign in first.", "Bitte zuerst anmelden.");
            return Err(fault(parts.uri.path().starts_with("/api/"), unknown, &id));
        };
        let path = P::read(&mut parts, app).await?;
        let Query(query) = Query::from_request_parts(&mut parts, app).await?;
        let headers = parts.headers.clone();
        let body = B::from_request(Request::from_parts(parts, body), app).await?;
        Ok(Self { app: app.clone(), who, id, headers, path, query, body })
    }
}

impl<P, Q, B> Call<P, Q, B> {
    pub fn is_agent(&self) -> bool {
        self.who.person.kind == vorgang_core::people::PersonKind::Agent
    }
}
