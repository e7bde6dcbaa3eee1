//! What the portal told this person.

use crate::extract::Path;
use crate::input::FormData;
use crate::layout::Page;
use crate::pages::failed;
use crate::who::Who;
use crate::{App, RequestId, widgets};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use vorgang_core::people::PersonKind;

pub async fn page(State(app): State<App>, Extension(who): Extension<Who>, Extension(id): Extension<RequestId>) -> Response {
    let model = app.desk.model();
    let page = Page::new(&app, &who, &model).await;
    let t = page.t;
    let rows = match app.desk.store.notification_list(&who.person.login, 50).await {
        Ok(rows) => rows,
        Err(e) => return failed(e.into(), &id),
    };
    let body = html! {
        h1 { (t.notifications) }
        @if rows.is_empty() { p.quiet { (t.nothing_here) } }
        @if page.unread > 0 { form method="post" action="/notifications" data-enhance { (page.csrf()) div.buttons { button { (t.mark_read) } } br; } }
        @for row in &rows {
            article class=(if row.read { "article" } else { "article customer" }) {
                header { strong { a href=(page.ticket_url(&row.number)) data-enhance { (row.subject) } }
                    span.quiet { (widgets::time(&page, row.at))
                        @if let Some(away) = &row.instead_of { " · " (t.for_whom) " " (widgets::person_name(&page, away)) } }
                }
                div.body { (row.body) }
                @if !row.read {
                    form method="post" action=(format!("/notifications/{}", row.id)) data-enhance { (page.csrf()) div.buttons { button { (t.open_it) } } }
                }
            }
        }
    };
    page.render(StatusCode::OK, t.notifications, "/notifications", &body)
}

pub async fn read(State(app): State<App>, Extension(who): Extension<Who>, Extension(id): Extension<RequestId>, _: FormData) -> Response {
    match app.desk.store.notifications_read(&who.person.login, None, app.desk.clock.now()).await {
        Ok(_) => Redirect::to("/notifications").into_response(),
        Err(e) => failed(e.into(), &id),
    }
}

/// Read, and on to the ticket.
pub async fn open(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(notification): Path<i64>,
    _: FormData,
) -> Response {
    let base = if who.person.kind == PersonKind::Agent { "/agent" } else { "" };
    match app.desk.store.notifications_read(&who.person.login, Some(notification), app.desk.clock.now()).await {
        Ok(Some(number)) => Redirect::to(&format!("{base}/tickets/{number}")).into_response(),
        Ok(None) => Redirect::to("/notifications").into_response(),
        Err(e) => failed(e.into(), &id),
    }
}
