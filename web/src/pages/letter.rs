//! What came or goes by mail: its HTML in a frame of its own, its bytes, and taking it back.

use crate::extract::Path;
use crate::forms::Typed;
use crate::input::{self, FormData};
use crate::pages::{download, failed, ticket};
use crate::who::Who;
use crate::{App, RequestId};
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use vorgang_core::commands::{Command, TakeBackMail};
use vorgang_core::ids::ArticleId;
use vorgang_core::rejection::Rejection;
use vorgang_mail::address;
use vorgang_runtime::{Error, Request};

/// What the frame may: nothing but show its own text and pictures, and open links elsewhere.
const FRAME: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'; \
     sandbox allow-popups allow-popups-to-escape-sandbox";

/// The sanitised HTML, as a document that is shown in a frame only.
pub async fn html(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path((number, article)): Path<(String, ArticleId)>,
) -> Response {
    let shown = match app.desk.letter_html(&who.person, &number, article).await {
        Ok(shown) => shown,
        Err(e) => return failed(e, &id),
    };
    let page = format!(
        "<!doctype html><meta charset=\"utf-8\"><style>body{{font:15px system-ui,sans-serif;margin:12px;color:#111;background:#fff;\
         overflow-wrap:anywhere}}img{{max-width:100%;height:auto}}</style>{shown}"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, FRAME),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
    ];
    (headers, page).into_response()
}

/// The bytes as they came, for agents.
pub async fn raw(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path((number, article)): Path<(String, ArticleId)>,
) -> Response {
    match app.desk.letter(&who.person, &number, article).await {
        Ok(raw) => download(&format!("{number}-{article}.eml"), raw),
        Err(e) => failed(e, &id),
    }
}

/// Whoever loads the page again, after the mail was taken back.
pub async fn back(Path((number, _)): Path<(String, ArticleId)>) -> Redirect {
    Redirect::to(&format!("/agent/tickets/{}", input::encode(&number)))
}

/// The content goes for good, and the ticket says so.
pub async fn erase(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path((number, article)): Path<(String, ArticleId)>,
    data: FormData,
) -> Response {
    // Everything goes only where no file is named: one that cannot be read is not "everything".
    let file = match data.get("file").filter(|f| !f.is_empty()).map(str::parse).transpose() {
        Ok(file) => file,
        Err(_) => return failed(vorgang_core::rejection::Rejection::NotFound.into(), &id),
    };
    match app.desk.erase(&who.person, &number, (article, file), data.get("reason").unwrap_or_default(), "portal").await {
        Ok(_) => Redirect::to(&format!("/agent/tickets/{}", input::encode(&number))).into_response(),
        Err(e) => failed(e, &id),
    }
}

/// The mail does not go out, and its text stands in the form again.
pub async fn take_back(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path((number, article)): Path<(String, ArticleId)>,
    _: FormData,
) -> Response {
    let view = match app.desk.ticket_view(&who.person, &number).await {
        Ok(view) => view,
        Err(e) => return failed(e, &id),
    };
    let found = view.article(article).and_then(|a| Some((a, a.head.as_deref()?)));
    let Some((written, head, mail)) = found.and_then(|(a, h)| Some((a, h, h.outgoing?))) else {
        return failed(Error::Rejected(Rejection::NotFound), &id);
    };
    let typed = Typed {
        article: written.body.clone(),
        subject: written.subject.clone(),
        visible: Some(true),
        to: Some((address::list(&head.to), address::list(&head.cc))),
        ..Typed::default()
    };
    let command = Command::TakeBackMail(TakeBackMail { mail, article });
    let request = Request { actor: &who.person, ticket: Some(&number), command, cause: "portal", at: None };
    match app.desk.execute(request).await {
        Ok(_) => ticket::draw(&app, &who, &id, &number, typed, None, StatusCode::OK).await,
        Err(e) => failed(e, &id),
    }
}
