//! Jobs: when each runs, how it went, what it would do, and running it by hand.

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
use maud::{Markup, html};
use vorgang_core::rejection::Rejection;
use vorgang_runtime::Error;
use vorgang_runtime::jobs::{DryRun, Overview, dry_run, go_on, overview, start_now};
use vorgang_store::JobRun;

/// Runs of one job that its page shows.
const RUNS_SHOWN: u32 = 30;

/// Tickets that trying out lists.
const LISTED: usize = 50;

pub async fn list(State(app): State<App>, Extension(who): Extension<Who>, Extension(id): Extension<RequestId>) -> Response {
    let model = app.desk.model();
    let page = Page::new(&app, &who, &model).await;
    let t = page.t;
    let rows = match overview(&app.desk).await {
        Ok(rows) => rows,
        Err(e) => return failed(e.into(), &id),
    };
    let body = html! {
        h1 { (t.jobs) }
        @if rows.is_empty() { p.quiet { (t.jobs_none) } }
        @else { div.table tabindex="0" role="region" aria-label=(t.jobs) { table {
            thead { tr { th scope="col" { (t.job) } th scope="col" { (t.schedule) } th scope="col" { (t.next_run) } th scope="col" { (t.last_run) } th.number scope="col" { (t.tickets_done) } th.number scope="col" { (t.troubles) } } }
            tbody { @for Overview { job, last, next } in &rows { tr {
                td { a href=(format!("/admin/jobs/{}", job.name)) { (model.title(job.title.as_ref(), &job.name, page.language())) } }
                td { code { (job.schedule()) } }
                td { @match next { Some(next) => (widgets::time(&page, *next)), None => (t.by_hand) } }
                @match last {
                    None => { td { (t.never) } td.number {} td.number {} }
                    Some(run) => { td { (widgets::time(&page, run.started)) @if run.ended.is_none() { " (" (t.under_way) ")" } } td.number { (run.summary.done) } td.number { (run.summary.failed + run.summary.unclear) } }
                }
            } } }
        } } }
    };
    page.render(StatusCode::OK, t.jobs, "/admin/jobs", &body)
}

pub async fn page(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(name): Path<String>,
) -> Response {
    draw(&app, &who, &id, &name, None).await
}

/// Says what a run would do, and does nothing.
pub async fn try_out(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(name): Path<String>,
    _: FormData,
) -> Response {
    match dry_run(&app.desk, &name, LISTED).await {
        Ok(Some(found)) => draw(&app, &who, &id, &name, Some(found)).await,
        Ok(None) => failed(Error::Rejected(Rejection::NotFound), &id),
        Err(e) => failed(e, &id),
    }
}

/// Begins a run; it goes on while the page shows how far it is.
pub async fn run_now(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(name): Path<String>,
    _: FormData,
) -> Response {
    match start_now(&app.desk, &name, &who.person.login).await {
        Ok(Some(run)) => {
            let desk = app.desk.clone();
            tokio::spawn(async move {
                if let Err(e) = go_on(&desk, run).await {
                    tracing::warn!("a run stands still: {e}");
                }
            });
            Redirect::to(&format!("/admin/jobs/{name}")).into_response()
        }
        Ok(None) => failed(Error::Rejected(Rejection::NotFound), &id),
        Err(e) => failed(e.into(), &id),
    }
}

async fn draw(app: &App, who: &Who, id: &RequestId, name: &str, tried: Option<DryRun>) -> Response {
    let model = app.desk.model();
    let page = Page::new(app, who, &model).await;
    let t = page.t;
    let Some(job) = model.jobs.get(name) else { return failed(Error::Rejected(Rejection::NotFound), id) };
    let runs = match app.desk.store.job_runs(Some(name), false, RUNS_SHOWN).await {
        Ok(runs) => runs,
        Err(e) => return failed(e.into(), id),
    };
    let title = model.title(job.title.as_ref(), &job.name, page.language()).to_owned();
    let next = job.next(app.desk.clock.now(), &model.names.site.zone.0);
    let base = format!("/admin/jobs/{name}");
    let body = html! {
        h1 { (title) }
        dl.facts {
            dt { (t.schedule) } dd { @if job.times.is_some() { code { (job.schedule()) } } @else { (t.by_hand) } }
            @if let Some(next) = next { dt { (t.next_run) } dd { (widgets::time(&page, next)) } }
            dt { (t.condition) } dd { code { (job.condition.text().trim()) } }
        }
        div.buttons {
            form method="post" action=(format!("{base}/try")) { (page.csrf()) button { (t.try_out) } }
            form method="post" action=(format!("{base}/run")) { (page.csrf()) button.primary { (t.run_now) } }
        }
        @if let Some(found) = &tried { (dry(&page, found)) }
        section { h2 { (t.runs) }
            @if runs.is_empty() { p.quiet { (t.never) } }
            @else { div.table tabindex="0" role="region" aria-label=(t.runs) { table {
                thead { tr { th scope="col" { (t.began) } th scope="col" { (t.ended) } th scope="col" { (t.started_by) } th.number scope="col" { (t.tickets_done) } th scope="col" { (t.troubles) } } }
                tbody { @for run in &runs { (row(&page, run)) } }
            } } }
        }
    };
    page.render(StatusCode::OK, &title, "/admin/jobs", &body)
}

fn dry(page: &Page, found: &DryRun) -> Markup {
    let t = page.t;
    html! {
        section.card { h2 { (t.would_do) }
            @if found.tickets.is_empty() { p.quiet { (t.no_tickets) } }
            @for (number, title, decision) in &found.tickets {
                h3 { a href=(format!("/agent/tickets/{number}")) { (number) } " " (title) }
                ul { @for line in decision.events.iter().filter_map(|e| widgets::event(page, e)) { li { (line) } } }
            }
            @if found.more { p.quiet { (t.and_more) } }
            @for (number, why) in found.troubles.iter().take(10) { p { a href=(format!("/agent/tickets/{number}")) { (number) } ": " (why) } }
        }
    }
}

fn row(page: &Page, run: &JobRun) -> Markup {
    let (t, s) = (page.t, &run.summary);
    html! { tr {
        td { (widgets::time(page, run.started)) @if s.missed > 0 { br; span.quiet { "+ " (s.missed) " " (t.missed) } } }
        td { @match run.ended { Some(at) => (widgets::time(page, at)), None => (t.under_way) } }
        td { @if run.tick.is_some() { (t.schedule) } @else { (widgets::person_name(page, &run.by)) } }
        td.number { (s.done) }
        td {
            @if s.failed + s.unclear == 0 && s.error.is_none() { "–" }
            @if let Some(e) = &s.error { p { (e) } }
            @if s.failed > 0 { p { (s.failed) " " (t.failed_there) } }
            @if s.unclear > 0 { p { (s.unclear) " " (t.not_judged) } }
            @for (number, why) in &s.examples { p.quiet { a href=(format!("/agent/tickets/{number}")) { (number) } ": " (why) } }
        }
    } }
}
