//! Who asks: a session's cookie or a bearer token. Every route says whom it lets in; nothing else decides it.

use crate::admission::{Known, Places, busy, declared};
use crate::problem::{Fault, fault};
use crate::{App, RequestId};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;
use vorgang_core::people::{Person, PersonKind};
use vorgang_core::rights;
use vorgang_runtime::quota::Kind;

/// Whom a route lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Anyone,
    /// Pages for everybody with an account.
    SignedIn,
    Agent,
    Admin,
    /// The API: a bearer token, or a session with its token in `X-CSRF-Token`.
    Api,
    ApiAdmin,
}

impl Access {
    fn is_api(self) -> bool {
        matches!(self, Self::Api | Self::ApiAdmin)
    }
}

/// The person behind a request.
#[derive(Debug, Clone)]
pub struct Who {
    pub person: Arc<Person>,
    /// The session's token against forged forms; empty with a bearer token.
    pub csrf: String,
    pub session: Option<String>,
}

/// With https the name is bound to this host by the browser.
pub fn cookie_name(app: &App) -> &'static str {
    if app.config.secure() { "__Host-session" } else { "session" }
}

pub fn session_cookie(app: &App, value: &str, seconds: i64) -> String {
    let secure = if app.config.secure() { "; Secure" } else { "" };
    format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", cookie_name(app))
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(';'));
    all.filter_map(|pair| pair.trim().split_once('=')).find(|(n, _)| *n == name).map(|(_, v)| v)
}

/// The address that a request counts for.
pub fn caller(app: &App, request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|c| c.0);
    peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| crate::pages::sign_in::address(app, peer, request.headers()))
}

/// The person whose session or token a request has.
pub async fn who(app: &App, headers: &HeaderMap) -> Result<Option<Who>, StoreGone> {
    if let Some(token) = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer ")) {
        let person = app.desk.token_person(token.trim()).await.map_err(|_| StoreGone)?;
        return Ok(person.map(|person| Who { person, csrf: String::new(), session: None }));
    }
    let Some(session) = cookie(headers, cookie_name(app)) else { return Ok(None) };
    let signed_in = app.desk.session_person(session).await.map_err(|_| StoreGone)?;
    Ok(signed_in.map(|s| Who { person: s.person, csrf: s.csrf, session: Some(s.session) }))
}

/// The store could not be asked.
pub struct StoreGone;

pub async fn guard(app: App, access: Access, quota: Option<Kind>, mut request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned().unwrap_or(RequestId(String::new()));
    let api = access.is_api();
    if !same_origin(&app, &request) {
        return fault(
            api,
            Fault::new(StatusCode::FORBIDDEN, "The request comes from another site.", "Die Anfrage kommt von einer anderen Seite."),
            &id,
        );
    }
    let who = request.extensions_mut().remove::<Known>().and_then(|known| known.0);
    let allowed = match (&who, access) {
        (_, Access::Anyone) => true,
        (None, _) => false,
        (Some(w), Access::SignedIn) => w.session.is_some(),
        (Some(w), Access::Api) => csrf_ok(w, &request),
        (Some(w), Access::ApiAdmin) => csrf_ok(w, &request) && rights::is_admin(&app.desk.model().names, &w.person),
        (Some(w), Access::Agent) => w.session.is_some() && w.person.kind == PersonKind::Agent,
        (Some(w), Access::Admin) => w.session.is_some() && rights::is_admin(&app.desk.model().names, &w.person),
    };
    if let (true, Some(kind)) = (allowed, quota)
        && let Err(seconds) = take(&app, kind, who.as_ref(), &request)
    {
        return too_often(api, seconds, &id);
    }
    if allowed {
        // Held until the answer is there: what was read lies in memory as long.
        let mut _room = None;
        let exports = quota == Some(Kind::Export);
        let by = who.as_ref().filter(|_| exports).map(|who| app.desk.by(&who.person.login, door(api)));
        let path = by.is_some().then(|| request.uri().path().to_owned());
        if let Some(who) = who {
            request.extensions_mut().insert(who);
            if let Some(places) = request.extensions().get::<Places>().cloned() {
                match places.room(declared(&request)).await {
                    Some(taken) => _room = taken,
                    None => return busy(api, &id),
                }
            }
        }
        let response = next.run(request).await;
        if let (Some(by), Some(path), true) = (by, path, response.status().is_success()) {
            app.desk.note_security(by, "exported", &path, serde_json::json!({})).await;
        }
        return response;
    }
    match (&who, api) {
        (None, true) => {
            let mut response = fault(true, Fault::new(StatusCode::UNAUTHORIZED, "Sign in first.", "Bitte zuerst anmelden."), &id);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, axum::http::HeaderValue::from_static("Bearer"));
            response
        }
        (None, false) if request.method() == Method::POST && says_own_page(request.headers()) => {
            let (uri, headers) = (request.uri().clone(), request.headers().clone());
            // The caller is unknown: little is read, and little is shown again.
            let (parts, body) = request.into_parts();
            let data = match axum::body::to_bytes(body, crate::STRANGER_BYTES_MAX).await {
                Ok(bytes) => crate::input::FormData::read(Request::from_parts(parts, bytes.into()), &app).await.ok(),
                Err(_) => None,
            };
            match data {
                Some(data) => crate::kept::no_session(&app, &uri, &headers, &data),
                None => crate::kept::too_much(&app, &headers),
            }
        }
        (None, false) => {
            let back = request.uri().path_and_query().map_or("/", |p| p.as_str());
            let safe = request.method() == Method::GET && back.len() < 500;
            let target = if safe && back != "/" { format!("/sign-in?next={}", crate::input::encode(back)) } else { "/sign-in".to_owned() };
            Redirect::to(&target).into_response()
        }
        // Pages of others do not exist for this person.
        (Some(who), _) => {
            let by = app.desk.by(&who.person.login, door(api));
            app.desk.note_denied(by, request.method().as_str(), request.uri().path()).await;
            let status = if api { StatusCode::FORBIDDEN } else { StatusCode::NOT_FOUND };
            fault(api, Fault::new(status, "There is nothing here that you may see.", "Hier ist nichts, was Sie sehen dürfen."), &id)
        }
    }
}

fn door(api: bool) -> &'static str {
    if api { "api" } else { "portal" }
}

/// Takes of the person's quota, or of the address's where nobody is signed in; the seconds to wait where there is nothing left.
fn take(app: &App, kind: Kind, who: Option<&Who>, request: &Request) -> Result<(), u64> {
    if kind == Kind::Create && matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    let key = who.map_or_else(|| caller(app, request).to_string(), |who| who.person.login.clone());
    app.desk.quotas.take(app.config.quotas, kind, &key, Instant::now())
}

fn too_often(api: bool, seconds: u64, id: &RequestId) -> Response {
    let (en, de) = (
        format!("That is too often in a minute. Please try again in {seconds} s."),
        format!("Das ist zu oft in einer Minute. Bitte in {seconds} s noch einmal versuchen."),
    );
    let mut response = fault(api, Fault::new(StatusCode::TOO_MANY_REQUESTS, &en, &de), id);
    if let Ok(value) = seconds.to_string().parse() {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// A session in the API proves itself by its token; reading needs no proof.
fn csrf_ok(who: &Who, request: &Request) -> bool {
    if who.session.is_none() || matches!(*request.method(), Method::GET | Method::HEAD) {
        return true;
    }
    request.headers().get("x-csrf-token").and_then(|v| v.to_str().ok()).is_some_and(|t| same(t, &who.csrf))
}

/// Compares without telling by the time where they differ.
pub fn same(a: &str, b: &str) -> bool {
    !b.is_empty() && a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |d, (x, y)| d | (x ^ y)) == 0
}

/// The browser says that the form stood on a page of ours ([`same_origin`] has compared it).
pub fn says_own_page(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").map_or_else(|| headers.contains_key("origin"), |s| s == "same-origin")
}

/// What changes something must come from our own pages, as far as the browser says where it comes from.
fn same_origin(app: &App, request: &Request) -> bool {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok());
    if header("sec-fetch-site").is_some_and(|s| s == "cross-site") {
        return false;
    }
    match header("origin") {
        None => true,
        Some(origin) => {
            let host = header("host").map(|h| format!("http://{h}"));
            origin == app.config.public_url || (!app.config.secure() && host.as_deref() == Some(origin))
        }
    }
}
