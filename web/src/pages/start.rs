//! The first form of a process.

use crate::extract::Path;
use crate::forms::{self, Typed};
use crate::input::FormData;
use crate::layout::Page;
use crate::pages::ticket::answer_form;
use crate::pages::{execute, failed};
use crate::who::Who;
use crate::{App, RequestId};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;
use vorgang_core::commands::{Command, StartProcess};
use vorgang_core::ids::WorkId;
use vorgang_runtime::{Error, Request};

pub async fn form(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(process): Path<String>,
) -> Response {
    draw(&app, &who, &id, &process, Typed::default(), StatusCode::OK).await
}

async fn draw(app: &App, who: &Who, id: &RequestId, process: &str, typed: Typed, status: StatusCode) -> Response {
    let model = app.desk.model();
    let page = Page::new(app, who, &model).await;
    let filled = typed.filling(WorkId(0)).form;
    let work = match app.desk.start_form(&who.person, process, Some(&filled)).await {
        Ok(work) => work,
        Err(e) => return failed(e, id),
    };
    let Some(def) = model.processes.get(process).map(|p| &p.def) else {
        return failed(Error::Rejected(vorgang_core::rejection::Rejection::NotFound), id);
    };
    let action = format!("/start/{process}");
    let title = model.title(def.title.as_ref(), process, page.language()).to_owned();
    let body = html! {
        (forms::refusal(&page, &typed))
        h1 { (title) }
        @if let Some(d) = &def.description { p.quiet { (d.get(page.language(), model.names.site.main_language())) } }
        @match &work {
            Some(work) => { @for form in &work.forms { section.card {
                @if work.forms.len() > 1 { h2 { (form.title) } }
                (forms::dialog(&page, &action, work, form, 0, &typed))
            } } }
            None => { form method="post" action=(action) data-enhance { (page.once()) div.buttons { button.primary { (page.t.start) } } } }
        }
    };
    page.render(status, &title, "/", &body)
}

pub async fn submit(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(process): Path<String>,
    data: FormData,
) -> Response {
    let (once, redraw) = (data.once(), data.get("redraw").is_some());
    let minutes = data.get("minutes").unwrap_or_default().to_owned();
    let mut form = data.dialog();
    form.seen = None;
    form.epoch = None;
    let empty =
        form.article.as_ref().is_some_and(|a| a.body.is_empty() && a.subject.is_empty() && a.attachments.is_empty() && a.minutes.is_none());
    if empty {
        form.article = None;
    }
    let typed = Typed {
        dialog: form.dialog.clone(),
        values: form.values.clone(),
        article: form.article.as_ref().map(|a| a.body.clone()).unwrap_or_default(),
        minutes,
        ..Typed::default()
    };
    if redraw {
        return draw(&app, &who, &id, &process, typed, StatusCode::OK).await;
    }
    let command = Command::StartProcess(StartProcess { process: process.clone(), form });
    let request = Request { actor: &who.person, ticket: None, command, cause: "portal", at: None };
    let done = execute(&app, request, once).await;
    let again = async |typed, status| draw(&app, &who, &id, &process, typed, status).await;
    answer_form((&app, &who, &id), done, typed, again).await
}
