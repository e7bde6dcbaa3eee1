//! Signing in by password or one-time link, signing out, the language.

use crate::caller::{address, browser_language};
use crate::extract::{Path, Query};
use crate::input::{self, FormData};
use crate::layout::bare;
use crate::problem::{self, Fault};
use crate::session::session_cookie;
use crate::texts::texts;
use crate::who::Who;
use crate::{App, RequestId};
use axum::Extension;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::json;
use std::net::{IpAddr, SocketAddr};
use vorgang_core::people::{PersonKind, PersonPatch};
use vorgang_runtime::accounts::SignedIn;
use vorgang_runtime::limiter::Tries;
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

fn page(app: &App, language: &str, next: Option<&str>, failed: Option<String>) -> Markup {
    let (t, model) = (texts(language), app.desk.model());
    html! {
        div.card lang=(t.language_tag) {
            h1 { (model.names.site.title.get(language, model.names.site.main_language())) }
            @if let Some(failed) = failed { div.notice.bad role="alert" { p { (failed) } } }
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
    Html(bare(texts(language).sign_in, &page(&app, language, safe_next(after.next.as_deref()), None))).into_response()
}

pub async fn submit(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Extension(id): Extension<RequestId>,
    data: FormData,
) -> Response {
    let (login, password) = (data.get("login").unwrap_or_default(), data.get("password").unwrap_or_default());
    let address = address(&app, peer, &headers);
    let next = safe_next(data.get("next"));
    let language = browser_language(&headers);
    match sign_in(&app, login, password, address).await {
        Ok(Tried::In(signed_in)) => welcome(&app, &signed_in, next),
        Ok(Tried::Wrong) => {
            let body = Html(bare(texts(language).sign_in, &page(&app, language, next, Some(texts(language).sign_in_failed.to_owned()))));
            (StatusCode::UNPROCESSABLE_ENTITY, body).into_response()
        }
        Ok(Tried::Wait(seconds)) => {
            let text = texts(language).sign_in_wait.replace("{}", &seconds.to_string());
            let body = Html(bare(texts(language).sign_in, &page(&app, language, next, Some(text))));
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())], body).into_response()
        }
        Err(_) => problem::page(&Fault::unavailable(), &id),
    }
}

enum Tried {
    In(SignedIn),
    Wrong,
    /// There were too many failures: so many seconds.
    Wait(i64),
}

/// Counted before it is verified, in one step: guesses that come at once count too.
async fn sign_in(app: &App, login: &str, password: &str, address: IpAddr) -> Result<Tried, StoreError> {
    if login.len() > LOGIN_BYTES_MAX {
        return Ok(Tried::Wrong);
    }
    let tries = Tries::new(login, address);
    if let Some(until) = app.desk.attempt_take(&tries).await? {
        return Ok(Tried::Wait(until.duration_since(app.desk.clock.now()).as_secs().max(0) + 1));
    }
    let signed_in = app.desk.password_sign_in(login, password).await?;
    let by = |actor: &str| app.desk.by(actor, "portal");
    match signed_in {
        Some(signed_in) => {
            app.desk.attempt_succeeded(&tries).await?;
            app.desk.note_security(by(login), "sign_in", login, json!({"way": "password", "address": address})).await;
            Ok(Tried::In(signed_in))
        }
        None => {
            // An unknown login is not logged: it may be a password in the wrong field.
            let known = app.desk.people().get(login).is_some();
            let about = if known { login } else { "" };
            app.desk.note_security(by(""), "sign_in.failed", about, json!({"address": address})).await;
            Ok(Tried::Wrong)
        }
    }
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
            form method="post" action=(format!("/link/{}", input::encode(&link))) { button.primary { (t.sign_in) } }
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
        let patch = PersonPatch { language: Some(wanted.to_owned()), ..PersonPatch::default() };
        let by = app.desk.by(&who.person.login, "portal");
        if app.desk.person_change(&who.person.login, &patch, None, &by).await.is_err() {
            return problem::page(&Fault::unavailable(), &id);
        }
    }
    let back = headers.get(header::REFERER).and_then(|v| v.to_str().ok()).and_then(|r| r.strip_prefix(app.config.public_url.as_str()));
    Redirect::to(safe_next(back).unwrap_or("/")).into_response()
}
