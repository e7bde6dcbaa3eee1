//! Signing in by password or one-time link, signing out, the language.

use crate::auth::{Who, session_cookie};
use crate::extract::{Path, Query};
use crate::input::FormData;
use crate::layout::bare;
use crate::problem::{self, Fault};
use crate::texts::texts;
use crate::{App, RequestId};
use axum::Extension;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::{Markup, html};
use std::net::{IpAddr, SocketAddr};
use vorgang_core::people::PersonKind;
use vorgang_runtime::accounts::SignedIn;
use vorgang_store::StoreError;

/// Longest login that is looked at.
const LOGIN_BYTES_MAX: usize = 200;
const SESSION_SECONDS: i64 = 12 * 3600;

#[derive(serde::Deserialize)]
pub struct After {
    next: Option<String>,
}

/// Only a path of our own: never another site.
fn safe_next(next: Option<&str>) -> Option<&str> {
    let plain = |n: &str| n.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    next.filter(|n| n.starts_with('/') && !n.starts_with("//") && plain(n) && n.len() < 500)
}

/// Before anybody is known, the browser says the language.
pub fn browser_language(headers: &HeaderMap) -> &'static str {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or("");
    if wanted.trim_start().starts_with("de") { "de" } else { "en" }
}

fn page(app: &App, language: &str, next: Option<&str>, failed: bool) -> Markup {
    let (t, model) = (texts(language), app.desk.model());
    html! {
        div.card lang=(t.language_tag) {
            h1 { (model.names.site.title.get(language, model.names.site.main_language())) }
            @if failed { div.notice.bad role="alert" { p { (t.sign_in_failed) } } }
            form method="post" action="/sign-in" {
                @if let Some(next) = next { input type="hidden" name="next" value=(next); }
                div.field { label for="login" { (t.login) } input id="login" name="login" autocomplete="username" required; }
                div.field { label for="password" { (t.password) } input id="password" name="password" type="password" autocomplete="current-password" required; }
                div.buttons { button.primary { (t.sign_in) } }
            }
        }
    }
}

pub async fn form(State(app): State<App>, Query(after): Query<After>, headers: HeaderMap) -> Response {
    let language = browser_language(&headers);
    Html(bare(texts(language).sign_in, &page(&app, language, safe_next(after.next.as_deref()), false))).into_response()
}

/// The address that counts: what a trusted proxy forwards, else the peer's.
fn address(app: &App, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    if !app.config.trusted_proxies.contains(&peer.ip()) {
        return peer.ip();
    }
    let forwarded = headers.get("x-forwarded-for").and_then(|v| v.to_str().ok());
    forwarded.and_then(|f| f.rsplit(',').next()).and_then(|a| a.trim().parse().ok()).unwrap_or(peer.ip())
}

pub async fn submit(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Extension(id): Extension<RequestId>,
    data: FormData,
) -> Response {
    let (login, password) = (data.get("login").unwrap_or_default(), data.get("password").unwrap_or_default());
    let address = address(&app, peer, &headers).to_string();
    let key = format!("{address} {login}");
    let next = safe_next(data.get("next"));
    let language = browser_language(&headers);
    let again = || {
        let body = Html(bare(texts(language).sign_in, &page(&app, language, next, true)));
        (StatusCode::UNPROCESSABLE_ENTITY, body).into_response()
    };
    match sign_in(&app, login, password, &[(&key, 10), (&address, 50)]).await {
        Ok(Some(signed_in)) => welcome(&app, &signed_in, next),
        Ok(None) => again(),
        Err(_) => problem::page(&Fault::unavailable(), &id),
    }
}

/// `None` where it is refused, or was too often by one of these keys.
async fn sign_in(app: &App, login: &str, password: &str, keys: &[(&str, u32)]) -> Result<Option<SignedIn>, StoreError> {
    if login.len() > LOGIN_BYTES_MAX {
        return Ok(None);
    }
    for (key, most) in keys {
        if !app.desk.attempt_allowed(key, *most).await? {
            return Ok(None);
        }
    }
    // Counted before it is verified: guesses that come at once count too.
    for (key, _) in keys {
        app.desk.attempt_failed(key).await?;
    }
    let signed_in = app.desk.password_sign_in(login, password).await?;
    if signed_in.is_some() {
        for (key, _) in keys {
            app.desk.attempt_succeeded(key).await?;
        }
    }
    Ok(signed_in)
}

fn welcome(app: &App, signed_in: &SignedIn, next: Option<&str>) -> Response {
    let home = if signed_in.person.kind == PersonKind::Agent { "/agent" } else { "/" };
    let cookie = session_cookie(app, &signed_in.session, SESSION_SECONDS);
    ([(header::SET_COOKIE, cookie)], Redirect::to(next.unwrap_or(home))).into_response()
}

/// Mail scanners follow links: opening it spends nothing, the button does.
pub async fn link(State(app): State<App>, Path(link): Path<String>, headers: HeaderMap) -> Response {
    let language = browser_language(&headers);
    let t = texts(language);
    let model = app.desk.model();
    let site = model.names.site.title.get(language, model.names.site.main_language()).to_owned();
    let body = html! {
        div.card lang=(t.language_tag) {
            h1 { (site) }
            p { (t.link_title) ". " (t.link_text) }
            form method="post" action=(format!("/link/{}", crate::input::encode(&link))) { button.primary { (t.sign_in) } }
        }
    };
    Html(bare(t.sign_in, &body)).into_response()
}

pub async fn link_spend(
    State(app): State<App>,
    Path(link): Path<String>,
    headers: HeaderMap,
    Extension(id): Extension<RequestId>,
) -> Response {
    match app.desk.link_sign_in(&link).await {
        Ok(Some(signed_in)) => welcome(&app, &signed_in, None),
        Ok(None) => {
            let t = texts(browser_language(&headers));
            let body =
                html! { div.notice.bad role="alert" lang=(t.language_tag) { p { (t.link_used) } p { a href="/sign-in" { (t.sign_in) } } } };
            (StatusCode::GONE, Html(bare(t.sign_in, &body))).into_response()
        }
        Err(_) => problem::page(&Fault::unavailable(), &id),
    }
}

pub async fn sign_out(State(app): State<App>, Extension(who): Extension<Who>, _: FormData) -> Response {
    if let Some(session) = &who.session {
        let _ = app.desk.session_end(session).await;
    }
    ([(header::SET_COOKIE, session_cookie(&app, "", 0))], Redirect::to("/sign-in")).into_response()
}

pub async fn language(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    data: FormData,
) -> Response {
    let wanted = data.get("language").unwrap_or_default();
    let known = app.desk.model().names.site.languages.iter().any(|l| l.0 == wanted);
    if known {
        let person = vorgang_core::people::Person { language: wanted.to_owned(), ..(*who.person).clone() };
        if app.desk.people_save(&[person]).await.is_err() {
            return problem::page(&Fault::unavailable(), &id);
        }
    }
    let back = headers.get(header::REFERER).and_then(|v| v.to_str().ok()).and_then(|r| r.strip_prefix(app.config.public_url.as_str()));
    Redirect::to(safe_next(back).unwrap_or("/")).into_response()
}
