//! What the portal told this person.

use crate::call::{Call, NoQuery};
use crate::input::FormData;
use crate::layout::Page;
use crate::problem::Fault;
use crate::widgets;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;

pub async fn page(call: Call) -> Result<Response, Fault> {
    let Call { app, who, .. } = call;
    let model = app.desk.model();
    let page = Page::new(&app, &who, &model).await;
    let t = page.t;
    let rows = app.desk.store.notification_list(&who.person.login, 50).await?;
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
    Ok(page.render(StatusCode::OK, t.notifications, "/notifications", &body))
}

pub async fn read(call: Call<(), NoQuery, FormData>) -> Result<Response, Fault> {
    call.app.desk.store.notifications_read(&call.who.person.login, None, call.app.desk.clock.now()).await?;
    Ok(Redirect::to("/notifications").into_response())
}

/// Read, and on to the ticket.
pub async fn open(call: Call<i64, NoQuery, FormData>) -> Result<Response, Fault> {
    let base = if call.is_agent() { "/agent" } else { "" };
    let desk = &call.app.desk;
    Ok(match desk.store.notifications_read(&call.who.person.login, Some(call.path), desk.clock.now()).await? {
        Some(number) => Redirect::to(&format!("{base}/tickets/{number}")).into_response(),
        None => Redirect::to("/notifications").into_response(),
    })
}
