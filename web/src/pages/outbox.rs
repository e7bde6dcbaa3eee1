//! The outbox: deliveries of all channels that wait, failed or are held, and those that arrived last; release and resend.

use crate::extract::{Path, Query};
use crate::input::FormData;
use crate::layout::Page;
use crate::pages::failed;
use crate::texts::Texts;
use crate::who::Who;
use crate::{App, RequestId, widgets};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use serde::Deserialize;
use vorgang_core::rights;
use vorgang_store::deliveries::{Channel, DeliveryState};

const PAGE: u32 = 50;

#[derive(Debug, Deserialize)]
pub struct OutboxQuery {
    state: Option<String>,
    before: Option<i64>,
}

fn title(t: &'static Texts, state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Due => t.mail_due,
        DeliveryState::Failed => t.mail_failed,
        DeliveryState::Held => t.mail_held,
        DeliveryState::Sent => t.mail_sent,
        DeliveryState::TakenBack => t.mail_taken_back,
    }
}

fn channel(t: &'static Texts, channel: Channel) -> &'static str {
    match channel {
        Channel::Mail => t.channel_mail,
        Channel::Program => t.channel_program,
        Channel::Message => t.channel_message,
    }
}

pub async fn page(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Query(query): Query<OutboxQuery>,
) -> Response {
    let model = app.desk.model();
    let page = Page::new(&app, &who, &model).await;
    let t = page.t;
    let store = &app.desk.store;
    let mut counts = vec![];
    for state in [DeliveryState::Due, DeliveryState::Failed, DeliveryState::Held] {
        match store.delivery_count(state).await {
            Ok(count) => counts.push((state, count)),
            Err(e) => return failed(e.into(), &id),
        }
    }
    let fullest = || counts.iter().rev().find(|(_, n)| *n > 0).map_or(DeliveryState::Sent, |(s, _)| *s);
    let state = query.state.as_deref().and_then(DeliveryState::from_word).unwrap_or_else(fullest);
    let rights = rights::visible(&model.names, &who.person);
    let rows = match store.delivery_list(&rights, state, PAGE, query.before).await {
        Ok(rows) => rows,
        Err(e) => return failed(e.into(), &id),
    };
    let may_send = matches!(state, DeliveryState::Failed | DeliveryState::Held);
    let send = if state == DeliveryState::Held { t.release_mail } else { t.resend };
    let body = html! {
        h1 { (t.outbox) }
        @if !app.config.mail { div.notice.warn role="status" { p { (t.no_mail_server) } } }
        nav aria-label=(t.outbox) { ul.tabs {
            @for (s, count) in counts.iter().map(|(s, n)| (*s, Some(*n))).chain([(DeliveryState::Sent, None), (DeliveryState::TakenBack, None)]) {
                li { a href=(format!("/admin/outbox?state={}", s.word())) data-enhance aria-current=[(s == state).then_some("page")] {
                    (title(t, s)) @if let Some(n) = count.filter(|n| *n > 0) { " (" (n) ")" } } }
            }
        } }
        @if rows.is_empty() { p.quiet { (t.nothing_here) } }
        @if may_send && !rows.is_empty() {
            form method="post" action="/admin/outbox/send" data-enhance { (page.csrf())
                input type="hidden" name="state" value=(state.word());
                div.buttons { button data-confirm=(t.send_all_sure) { (t.send_all) } } }
        }
        @if !rows.is_empty() {
            div.table tabindex="0" role="region" aria-label=(title(t, state)) { table {
                thead { tr { th scope="col" { (t.ticket) } th scope="col" { (t.way_out) } th scope="col" { (t.who) } th scope="col" { (t.what) } th scope="col" { (t.created) }
                    @if state == DeliveryState::Due { th scope="col" { (t.next_try) } }
                    @if state != DeliveryState::Sent { th.number scope="col" { (t.attempts) } th scope="col" { (t.error) } }
                    @if may_send { th scope="col" { (send) } } } }
                tbody { @for row in &rows { tr {
                    td.nowrap { @if row.ticket.is_some() { a href=(page.ticket_url(&row.number)) data-enhance { (row.number) } } @else { "–" } }
                    td { (channel(t, row.channel)) }
                    td { @if row.recipient.is_empty() { "–" } @else { (widgets::person_name(&page, &row.recipient)) } }
                    td { (row.title()) }
                    td.nowrap { (widgets::time(&page, row.created)) }
                    @if state == DeliveryState::Due { td.nowrap { (widgets::time(&page, row.due)) } }
                    @if state != DeliveryState::Sent { td.number { (row.attempts) } td { (row.error.as_deref().unwrap_or("–")) } }
                    @if may_send { td {
                        form method="post" action=(format!("/admin/outbox/{}/send", row.id)) data-enhance { (page.csrf())
                            input type="hidden" name="state" value=(state.word());
                            button { (send) } }
                    } }
                } } }
            } }
            @if rows.len() == PAGE as usize && let Some(last) = rows.last() {
                p { a href=(format!("/admin/outbox?state={}&before={}", state.word(), last.id)) data-enhance { (t.older) } }
            }
        }
    };
    page.render(StatusCode::OK, t.outbox, "/admin/outbox", &body)
}

async fn release(app: &App, id: &RequestId, mail: Option<i64>, data: &FormData) -> Response {
    let state = data.get("state").and_then(DeliveryState::from_word).filter(|s| matches!(s, DeliveryState::Failed | DeliveryState::Held));
    let Some(state) = state else { return Redirect::to("/admin/outbox").into_response() };
    let done = app.desk.store.delivery_release(state, mail, app.desk.clock.now()).await;
    app.desk.wakes.look_for_work();
    match done {
        Ok(_) => Redirect::to(&format!("/admin/outbox?state={}", state.word())).into_response(),
        Err(e) => failed(e.into(), id),
    }
}

pub async fn send(State(app): State<App>, Extension(id): Extension<RequestId>, Path(mail): Path<i64>, data: FormData) -> Response {
    release(&app, &id, Some(mail), &data).await
}

pub async fn send_all(State(app): State<App>, Extension(id): Extension<RequestId>, data: FormData) -> Response {
    release(&app, &id, None, &data).await
}
