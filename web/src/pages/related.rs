//! A ticket among others: links, merging, splitting.

use crate::extract::Path;
use crate::forms::Typed;
use crate::input::FormData;
use crate::layout::Page;
use crate::pages::ticket::{answer_form, draw};
use crate::who::Who;
use crate::widgets::{self, link_word};
use crate::{App, RequestId};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use vorgang_core::choices::Choices;
use vorgang_core::commands::{Command, MergeTicket, SplitTicket};
use vorgang_core::decision::Remark;
use vorgang_core::ids::{ArticleId, TicketNumber};
use vorgang_core::rights::{self, Sight};
use vorgang_definitions::actions::link::LinkKind;
use vorgang_definitions::kinds::role::Right;
use vorgang_definitions::kinds::state::StateType;
use vorgang_runtime::view::TicketView;
use vorgang_runtime::{Done, Error, Request};
use vorgang_store::TicketRow;

/// Linked tickets that this person may see.
pub fn links(page: &Page, view: &TicketView, linked: &[(TicketRow, String)]) -> Markup {
    let t = page.t;
    let ticket = &view.snapshot.ticket;
    let may = view.sight == Sight::Agent && rights::require(&page.model.names, &page.who.person, ticket, Right::Rw).is_ok();
    let action = format!("{}/link", page.ticket_url(&ticket.number));
    html! {
        @if may || !linked.is_empty() {
            section.card { h2 { (t.links) }
                ul.plain { @for (row, kind) in linked { li {
                    span.quiet { (link_word(t, kind)) } " " a href=(page.ticket_url(&row.number)) data-enhance { (row.number) }
                    " " (row.title) " " (widgets::state_tag(page.model, &row.state, page.language()))
                    @if may { " " form.unlink method="post" action=(action) data-enhance { (page.csrf())
                        input type="hidden" name="to" value=(row.number); input type="hidden" name="type" value=(kind); input type="hidden" name="linked" value="false";
                        button aria-label=(format!("{} {}", t.unlink, row.number)) { (t.unlink) } } }
                } } }
                @if may {
                    details { summary { (t.link_new) } br;
                        form method="post" action=(action) data-enhance { (page.csrf())
                            input type="hidden" name="linked" value="true";
                            div.field { label for="f-link" { (t.ticket) } input id="f-link" name="to" required inputmode="numeric"; }
                            div.field { label for="link-type" { (t.link_is) } select id="link-type" name="type" {
                                @for kind in LinkKind::WORDS.iter().rev() { option value=(kind) { (link_word(t, kind)) } } } }
                            div.buttons { button { (t.link_new) } }
                        }
                    }
                }
            }
        }
    }
}

/// Merging the ticket, and splitting a message off, where this person may.
pub fn merge_and_split(page: &Page, view: &TicketView, choices: &Choices) -> Markup {
    let (t, names, language) = (page.t, &page.model.names, page.language());
    let ticket = &view.snapshot.ticket;
    if view.sight != Sight::Agent {
        return html! {};
    }
    let url = page.ticket_url(&ticket.number);
    let ends = names.types.get(&ticket.ticket_type).is_some_and(|ty| ty.states.iter().any(|s| names.state_type(s) == StateType::Merged));
    let merge = choices.may("merge") && ends && !names.state_type(&ticket.state).is_final();
    let queues: Vec<_> =
        names.queues.iter().filter(|q| rights::require_in(names, &page.who.person, &q.name, Right::Create).is_ok()).collect();
    let split = choices.may("split") && !view.articles.is_empty() && !queues.is_empty();
    html! {
        @if merge {
            details.card { summary { (t.merge) } br;
                form method="post" action=(format!("{url}/merge")) data-enhance { (page.csrf())
                    div.field { label for="f-into" { (t.merge_into) } input id="f-into" name="into" required inputmode="numeric"; }
                    div.buttons { button data-confirm=(t.merge_confirm) title=(t.merge_confirm) { (t.merge) } }
                }
            }
        }
        @if split {
            details.card { summary { (t.split) } br;
                form method="post" action=(format!("{url}/split")) data-enhance { (page.csrf())
                    div.field { label for="split-article" { (t.message) } select id="split-article" name="article" {
                        @for a in view.articles.iter().rev() { option value=(a.seq) { (widgets::person_name(page, &a.author)) ": " (first_words(if a.subject.is_empty() { &a.body } else { &a.subject })) } } } }
                    div.field { label for="split-type" { (t.ticket_type) } select id="split-type" name="type" {
                        @for ty in names.types.iter() { option value=(ty.name) selected[ty.name == *ticket.ticket_type] { (widgets::word(page.model, "type", &ty.name, language)) } } } }
                    div.field { label for="split-queue" { (t.queue) } select id="split-queue" name="queue" {
                        @for q in &queues { option value=(q.name) selected[q.name == *ticket.queue] { (widgets::word(page.model, "queue", &q.name, language)) } } } }
                    div.buttons { button { (t.split) } }
                }
            }
        }
    }
}

/// Enough of a text to know it again.
fn first_words(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default().trim();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

pub async fn link(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
    data: FormData,
) -> Response {
    let kind = data.get("type").and_then(LinkKind::from_word).unwrap_or(LinkKind::Related);
    let (to, linked) = (data.get("to").unwrap_or_default().trim(), data.get("linked") != Some("false"));
    let done = app.desk.link(&who.person, &number, to, kind, linked, "portal").await;
    answered(&app, &who, &id, &number, done.map(|done| (number.as_str().into(), done.notice))).await
}

/// The answer to one of these forms; it leads to this ticket.
async fn answered(app: &App, who: &Who, id: &RequestId, number: &str, done: Result<(TicketNumber, Option<Remark>), Error>) -> Response {
    let again = async |typed, status| draw(app, who, id, number, typed, None, status).await;
    answer_form((app, who, id), done, Typed::default(), again).await
}

async fn execute(app: &App, who: &Who, number: &str, command: Command) -> Result<Done, Error> {
    app.desk.execute(Request { actor: &who.person, ticket: Some(number), command, cause: "portal", at: None }).await
}

/// The way leads to the ticket that took this one in.
pub async fn merge(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
    data: FormData,
) -> Response {
    let into = data.get("into").unwrap_or_default().trim().to_owned();
    let done = execute(&app, &who, &number, Command::MergeTicket(MergeTicket { into: into.clone().into() })).await;
    answered(&app, &who, &id, &number, done.map(|done| (into.into(), done.notice))).await
}

/// The way leads to the new ticket.
pub async fn split(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
    data: FormData,
) -> Response {
    let text = |name: &str| data.get(name).unwrap_or_default().to_owned();
    let article = text("article").parse().unwrap_or(0);
    let command = Command::SplitTicket(SplitTicket { article: ArticleId(article), ticket_type: text("type"), queue: text("queue") });
    let done = execute(&app, &who, &number, command).await;
    let made = |done: &Done| done.made.first().cloned().unwrap_or_else(|| number.as_str().into());
    answered(&app, &who, &id, &number, done.map(|done| (made(&done), done.notice))).await
}
