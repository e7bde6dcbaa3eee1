//! Who asks: a session's cookie or a bearer token. Every route says whom it lets in; nothing else decides it.

use crate::admission::{Known, Places, busy, declared};
use crate::caller::caller;
use crate::input::{self, FormData};
use crate::problem::{Fault, fault};
use crate::session::{csrf_ok, same_origin, says_own_page};
use crate::who::{Access, Who};
use crate::{App, RequestId, STRANGER_BYTES_MAX, kept};
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use std::time::Instant;
use vorgang_core::people::PersonKind;
use vorgang_core::rights;
use vorgang_runtime::quota::Kind;

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
        && let Err(seconds) = spend(&app, kind, who.as_ref(), &request)
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
            let data = match axum::body::to_bytes(body, STRANGER_BYTES_MAX).await {
                Ok(bytes) => FormData::read(Request::from_parts(parts, bytes.into()), &app).await.ok(),
                Err(_) => None,
            };
            match data {
                Some(data) => kept::no_session(&app, &uri, &headers, &data),
                None => kept::too_much(&app, &headers),
            }
        }
        (None, false) => {
            let back = request.uri().path_and_query().map_or("/", |p| p.as_str());
            let safe = request.method() == Method::GET && back.len() < 500;
            let target = if safe && back != "/" { format!("/sign-in?next={}", input::encode(back)) } else { "/sign-in".to_owned() };
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
fn spend(app: &App, kind: Kind, who: Option<&Who>, request: &Request) -> Result<(), u64> {
    if kind == Kind::Create && matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    let key = who.map_or_else(|| caller(app, request).to_string(), |who| who.person.login.to_string());
    app.desk.quotas.spend(app.config.quotas, kind, &key, Instant::now())
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
