//! What an administrator looks after: incidents with retry, revisions, people.

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
use vorgang_core::commands::{Command, RetryIncident};
use vorgang_core::ids::IncidentId;
use vorgang_core::people::PersonKind;
use vorgang_core::rights;
use vorgang_runtime::Request;

pub async fn page(State(app): State<App>, Extension(who): Extension<Who>, Extension(id): Extension<RequestId>) -> Response {
    let model = app.desk.model();
    let page = Page::new(&app, &who, &model).await;
    let t = page.t;
    let store = &app.desk.store;
    let rights = rights::visible(&model.names, &who.person);
    let failed_events = match store.desk_events(true, 100).await {
        Ok(rows) => rows,
        Err(e) => return failed(e.into(), &id),
    };
    let (incidents, revisions) = match (store.incident_list(&rights, 100).await, store.revision_list(20).await) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(e), _) | (_, Err(e)) => return failed(e.into(), &id),
    };
    let people = app.desk.people();
    let body = html! {
        h1 { (t.admin) }
        section { h2 { (t.incidents) }
            @if incidents.is_empty() && failed_events.is_empty() { p.quiet { (t.incidents_none) } }
            @for row in &incidents {
                @let i = &row.incident;
                div.notice.bad {
                    h3 { a href=(format!("/agent/tickets/{}", row.number)) { (row.number) } @if let Some(p) = &i.place { " · " (p) } }
                    p { strong { (i.message) } " " span.quiet { (widgets::time(&page, i.raised)) } }
                    @if let Some(e) = &i.expression { p { (t.expression) ": " code { (e) } } }
                    @if !i.values.is_empty() { dl.facts { @for (k, v) in &i.values { dt { code { (k) } } dd { (v) } } } }
                    @if !i.chain.is_empty() { p.quiet { (t.chain) ": " (i.chain.join(" → ")) } }
                    form method="post" action=(format!("/admin/incidents/{}/{}/retry", row.number, i.seq)) data-enhance { (page.csrf()) div.buttons { button.primary { (t.retry) } } }
                }
            }
        }
        @if !failed_events.is_empty() {
            section { h2 { (t.desk_events) }
                @for row in &failed_events {
                    div.notice.bad {
                        h3 { code { (row.event.name()) } }
                        p { strong { (row.error.as_deref().unwrap_or("")) } " " span.quiet { (widgets::time(&page, row.at)) } }
                        form method="post" action=(format!("/admin/events/{}/retry", row.id)) data-enhance { (page.csrf()) div.buttons { button.primary { (t.retry) } } }
                    }
                }
            }
        }
        section { h2 { (t.revisions) }
            div.table tabindex="0" role="region" aria-label=(t.revisions) { table {
                thead { tr { th.number scope="col" { (t.revision) } th scope="col" { "Hash" } th scope="col" { (t.applied) } th scope="col" { (t.applied_by) } } }
                tbody { @for r in &revisions { tr { td.number { (r.id) } td { code { (&r.hash[..12]) } } td { (widgets::time(&page, r.applied)) } td { (r.actor) } } } }
            } }
        }
        section { h2 { (t.people) }
            div.table tabindex="0" role="region" aria-label=(t.people) { table {
                thead { tr { th scope="col" { (t.login) } th scope="col" { (t.name) } th scope="col" { (t.company) } th scope="col" { (t.roles) } th scope="col" { (t.state) } } }
                tbody { @for p in people.iter().filter(|p| p.kind != PersonKind::System).take(200) { tr {
                    td { (p.login) } td { (p.name) } td { (p.company.as_deref().unwrap_or("")) } td { (p.roles.join(", ")) } td { (if p.active { t.active } else { t.inactive }) }
                } } }
            } }
        }
    };
    page.render(StatusCode::OK, t.admin, "/admin", &body)
}

pub async fn retry(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path((number, incident)): Path<(String, IncidentId)>,
    _: FormData,
) -> Response {
    let request = Request {
        actor: &who.person,
        ticket: Some(&number),
        command: Command::RetryIncident(RetryIncident { incident }),
        cause: "portal",
        at: None,
    };
    match app.desk.execute(request).await {
        Ok(_) => Redirect::to("/admin").into_response(),
        Err(e) => failed(e, &id),
    }
}

/// What happened to the desk is handled again.
pub async fn retry_event(
    State(app): State<App>,
    Extension(_): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(event): Path<i64>,
    _: FormData,
) -> Response {
    let done = app.desk.store.desk_event_mark(event, None).await;
    app.desk.wakes.look_for_work();
    match done {
        Ok(()) => Redirect::to("/admin").into_response(),
        Err(e) => failed(e.into(), &id),
    }
}
