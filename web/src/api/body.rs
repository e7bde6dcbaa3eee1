//! Bodies of requests: JSON, with what makes a request repeatable.

use crate::problem::{Fault, problem};
use crate::{App, RequestId, layout};
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use vorgang_runtime::{Done, Idempotent};

/// Longest `Idempotency-Key`.
pub const KEY_BYTES_MAX: usize = 255;

/// Most values of a body.
const VALUES_MAX: usize = 100_000;

/// The body of a request, read as JSON, with what makes it repeatable.
pub struct Body<T> {
    pub value: T,
    hash: [u8; 32],
    key: Option<String>,
}

impl<T: serde::de::DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let id = request.extensions().get::<RequestId>().cloned().unwrap_or_else(layout::no_id);
        let key = request.headers().get("idempotency-key").map(|v| v.to_str().map(str::to_owned));
        let target = format!("{} {}\n", request.method(), request.uri().path());
        let bytes = Bytes::from_request(request, app).await.map_err(|e| {
            let status = e.into_response().status();
            problem(&Fault::new(status, "The body is too large or cannot be read.", "Der Inhalt ist zu groß oder nicht lesbar."), &id)
        })?;
        let bad = |text: String| problem(&Fault::new(StatusCode::BAD_REQUEST, &text, &text), &id);
        let Ok(key) = key.transpose() else { return Err(bad("An Idempotency-Key is plain ASCII.".into())) };
        if key.as_ref().is_some_and(|k| k.is_empty() || k.len() > KEY_BYTES_MAX) {
            return Err(bad(format!("An Idempotency-Key has 1 to {KEY_BYTES_MAX} characters.")));
        }
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        if values(text) > VALUES_MAX {
            return Err(bad(format!("The JSON has more than {VALUES_MAX} values.")));
        }
        let value = serde_json::from_slice(text).map_err(|e| bad(format!("The JSON cannot be read: {e}.")))?;
        let hash = vorgang_runtime::sha256(&[target.as_bytes(), &bytes].concat());
        Ok(Self { value, hash, key })
    }
}

/// Values in a text of JSON, at most: in memory each takes many times its two bytes.
fn values(json: &[u8]) -> usize {
    let (mut quoted, mut escaped, mut count) = (false, false, 1);
    for b in json {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' | b'[' | b'{' if !quoted => count += 1,
            _ => {}
        }
    }
    count
}

/// What makes a request repeatable.
pub struct Keyed {
    pub key: Option<String>,
    hash: [u8; 32],
}

/// A body without anything in it.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl Keyed {
    /// For a command that writes its answer like this.
    pub fn once<'a>(&'a self, answer: &'a (dyn Fn(&Done) -> (u16, String) + Sync)) -> Option<Idempotent<'a>> {
        self.key.as_deref().map(|key| Idempotent { key, body_hash: self.hash, answer })
    }
}

impl<T> Body<T> {
    pub fn split(self) -> (T, Keyed) {
        (self.value, Keyed { key: self.key, hash: self.hash })
    }
}

pub fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

/// The version that `If-Match` asks for. A version of ours is a number in quotes; anything else matches nothing.
pub fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Fault> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let bad = || Fault::new(StatusCode::BAD_REQUEST, "If-Match cannot be read.", "If-Match ist nicht lesbar.");
    let text = value.to_str().map_err(|_| bad())?;
    if text.trim() == "*" {
        return Ok(None);
    }
    Ok(Some(text.trim().trim_matches('"').parse().unwrap_or(u64::MAX)))
}
