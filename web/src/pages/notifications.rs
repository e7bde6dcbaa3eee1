//! What the portal told this person.

use crate::auth::Who;
use crate::input::FormData;
use crate::layout::Page;
use crate::pages::failed;
use crate::{App, RequestId, widgets};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;

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
                header { strong { a href=(page.ticket_url(&row.number)) data-enhance { (row.subject) } } span.quiet { (widgets::time(&page, row.at)) } }
                div.body { (row.body) }
            }
        }
    };
    page.render(StatusCode::OK, t.notifications, "/notifications", &body)
}

pub async fn read(State(app): State<App>, Extension(who): Extension<Who>, Extension(id): Extension<RequestId>, _: FormData) -> Response {
    match app.desk.store.notifications_read(&who.person.login, app.desk.clock.now()).await {
        Ok(()) => Redirect::to("/notifications").into_response(),
        Err(e) => failed(e.into(), &id),
    }
}
