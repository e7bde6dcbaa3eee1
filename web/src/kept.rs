//! A form that cannot be taken now, because the session has ended or its token is too old: what was typed is shown, and
//! can be sent again without being typed again.

use crate::input::FormData;
use crate::layout::bare;
use crate::problem::fault;
use crate::session;
use crate::texts::{Texts, texts};
use crate::who::Who;
use crate::{App, RequestId, caller};
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};

impl FromRequest<App> for FormData {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let id = request.extensions().get::<RequestId>().cloned().unwrap_or(RequestId(String::new()));
        // Signing in needs no session, and works beside one.
        let signing_in = request.uri().path() == "/sign-in";
        let who = request.extensions().get::<Who>().cloned().filter(|_| !signing_in);
        let (uri, own_page) = (request.uri().clone(), session::says_own_page(request.headers()));
        let data = FormData::read(request, app).await.map_err(|f| fault(false, f, &id))?;
        match who {
            Some(who) if !data.get("csrf").is_some_and(|t| session::is_token(t, &who.csrf)) => Err(old_token(&who, &uri, &data, own_page)),
            _ => Ok(data),
        }
    }
}

/// Longest text of a form that is shown again, in bytes: in a page it takes several times as much.
const KEPT_BYTES_MAX: usize = 256 * 1024;

/// The token was made for another session: the same person sends it again by a button.
pub fn old_token(who: &Who, uri: &Uri, data: &FormData, own_page: bool) -> Response {
    let t = texts(&who.person.language);
    if data.fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > KEPT_BYTES_MAX {
        return notice(StatusCode::FORBIDDEN, t, t.form_old, t.form_in_browser);
    }
    let again = html! { @if own_page { (form(t, uri, data, Some(&who.csrf))) } };
    page(StatusCode::FORBIDDEN, t, t.form_old, data, &again)
}

/// Nobody is signed in: another tab signs in, then the button sends it.
pub fn no_session(app: &App, uri: &Uri, headers: &axum::http::HeaderMap, data: &FormData) -> Response {
    let t = texts(caller::browser_language(headers));
    let again = html! {
        p { a href="/sign-in" target="_blank" rel="noopener" { (t.sign_in) } }
        (form(t, uri, data, None))
    };
    let mut response = page(StatusCode::UNAUTHORIZED, t, t.session_ended, data, &again);
    // The old cookie is worth nothing any more.
    if let Ok(cookie) = session::session_cookie(app, "", 0).parse() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Nobody is signed in, and the form is longer than what is read of strangers: the browser still has it.
pub fn too_much(app: &App, headers: &axum::http::HeaderMap) -> Response {
    let t = texts(caller::browser_language(headers));
    let mut response = notice(StatusCode::UNAUTHORIZED, t, t.session_ended, t.form_in_browser);
    if let Ok(cookie) = session::session_cookie(app, "", 0).parse() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn notice(status: StatusCode, t: &Texts, message: &str, hint: &str) -> Response {
    let body = html! {
        div.notice.warn role="alert" lang=(t.language_tag) {
            h1 { (message) }
            p { (hint) }
            p { a href="/sign-in" target="_blank" rel="noopener" { (t.sign_in) } }
        }
    };
    (status, Html(bare(t.your_input, &body))).into_response()
}

fn page(status: StatusCode, t: &Texts, message: &str, data: &FormData, again: &Markup) -> Response {
    let typed: Vec<&(String, String)> = data.fields.iter().filter(|(n, v)| is_typed(n) && !v.trim().is_empty()).collect();
    let body = html! {
        div.notice.warn role="alert" lang=(t.language_tag) {
            h1 { (message) }
            @if !data.files.is_empty() { p { (t.files_again) } }
            (again)
            @if !typed.is_empty() {
                h2 { (t.your_input) }
                @for (_, value) in typed { pre { (value) } }
            }
        }
    };
    (status, Html(bare(t.your_input, &body))).into_response()
}

fn is_typed(name: &str) -> bool {
    name.starts_with("f.") || ["subject", "article"].contains(&name)
}

/// The same fields, hidden; files cannot be sent back to a browser.
fn form(t: &Texts, uri: &Uri, data: &FormData, csrf: Option<&str>) -> Markup {
    html! {
        form method="post" action=(uri.path()) {
            @for (name, value) in data.fields.iter().filter(|(n, _)| n != "csrf") { input type="hidden" name=(name) value=(value); }
            @if let Some(csrf) = csrf { input type="hidden" name="csrf" value=(session::masked(csrf)); }
            div.buttons { button.primary { (t.send_again) } }
        }
    }
}
