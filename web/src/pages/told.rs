//! The site's notifications: to whom and when, and how one reads for a real ticket.

use crate::extract::{Path, Query};
use crate::layout::Page;
use crate::pages::failed;
use crate::who::Who;
use crate::{App, RequestId, widgets};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use vorgang_core::notice::Notice;
use vorgang_core::rejection::Rejection;
use vorgang_definitions::kinds::notification::{Channel, Notification};
use vorgang_runtime::Error;

#[derive(Debug, Deserialize)]
pub struct PreviewQuery {
    ticket: Option<String>,
}

fn ways(page: &Page, notification: &Notification) -> String {
    let word = |c: &Channel| match c {
        Channel::Portal => page.t.by_portal,
        Channel::Mail => page.t.by_mail,
    };
    notification.by.iter().map(word).collect::<Vec<_>>().join(", ")
}

fn sent_on(page: &Page, notification: &Notification) -> Markup {
    html! {
        @match &notification.on {
            Some(on) => { @for (i, event) in on.iter().enumerate() { @if i > 0 { ", " } code { (event.text) } } }
            None => { (page.t.by_action) " " code { "notify" } }
        }
    }
}

pub async fn list(State(app): State<App>, Extension(who): Extension<Who>) -> Response {
    let model = app.desk.model();
    let page = Page::new(&app, &who, &model).await;
    let t = page.t;
    let body = html! {
        h1 { (t.notifications) }
        @if model.names.notifications.is_empty() { p.quiet { (t.nothing_here) } }
        @else { div.table tabindex="0" role="region" aria-label=(t.notifications) { table {
            thead { tr { th scope="col" { (t.name) } th scope="col" { (t.sent_on) } th scope="col" { (t.by_way) } } }
            tbody { @for n in model.names.notifications.iter() { tr {
                td { a href=(format!("/admin/notifications/{}", n.name)) data-enhance { (model.title(n.title.as_ref(), &n.name, page.language())) } }
                td { (sent_on(&page, n)) }
                td { (ways(&page, n)) }
            } } }
        } } }
    };
    page.render(StatusCode::OK, t.notifications, "/admin/notifications", &body)
}

pub async fn page(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(name): Path<String>,
    Query(query): Query<PreviewQuery>,
) -> Response {
    let model = app.desk.model();
    let page = Page::new(&app, &who, &model).await;
    let t = page.t;
    let Some(notification) = model.names.notifications.get(&name) else {
        return failed(Error::Rejected(Rejection::NotFound), &id);
    };
    let number = query.ticket.as_deref().map(str::trim).filter(|n| !n.is_empty());
    let preview = match number {
        None => None,
        Some(number) => match app.desk.preview(&who.person, &name, number).await {
            Ok(preview) => Some(preview),
            Err(Error::Rejected(Rejection::NotFound)) => Some(Err(t.no_such_ticket.to_owned())),
            Err(e) => return failed(e, &id),
        },
    };
    let site = model.names.site.main_language();
    let body = html! {
        h1 { (model.title(notification.title.as_ref(), &name, page.language())) }
        section.card { dl.facts {
            dt { (t.name) } dd { code { (name) } }
            dt { (t.sent_on) } dd { (sent_on(&page, notification)) @if let Some(when) = &notification.when { br; code { (when.text().trim()) } } }
            dt { (t.by_way) } dd { (ways(&page, notification)) }
            dt { (t.subject) } dd { (notification.subject.text().get(page.language(), site)) }
            dt { (t.message) } dd.lines { (notification.body.text().get(page.language(), site)) }
        } }
        section.card {
            h2 { (t.preview) }
            form method="get" data-enhance {
                div.inline {
                    div.field { label for="ticket" { (t.ticket) } input id="ticket" name="ticket" value=(number.unwrap_or_default()) required; }
                    button { (t.preview) }
                }
            }
            @match &preview {
                None => {}
                Some(Err(why)) => { div.notice.warn role="status" data-focus="" { p { (why) } } }
                Some(Ok(notices)) if notices.is_empty() => { p.quiet { (t.told_nobody) } }
                Some(Ok(notices)) => { @for notice in notices { (drawn(&page, notice)) } }
            }
        }
    };
    page.render(StatusCode::OK, &name, "/admin/notifications", &body)
}

fn drawn(page: &Page, notice: &Notice) -> Markup {
    let t = page.t;
    html! {
        article.article {
            header { strong { (notice.subject) }
                span.quiet { (t.to) " " (widgets::person_name(page, &notice.to))
                    @if let Some(away) = &notice.instead_of { " (" (t.instead_of) " " (widgets::person_name(page, away)) ")" }
                    @if notice.portal { " · " (t.by_portal) }
                    @if notice.mail { " · " (t.by_mail) @if let Some(at) = notice.not_before { ", " (t.not_before) " " (widgets::time(page, at)) } } }
            }
            div.body { (notice.body) }
        }
    }
}
