//! Mail that came in: the log with the reasons, the quarantine, and the accounts.

use crate::extract::{Path, Query};
use crate::input::FormData;
use crate::layout::Page;
use crate::pages::{download, failed};
use crate::texts::Texts;
use crate::who::Who;
use crate::{App, RequestId, widgets};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use vorgang_core::intake::{Reason, Verdict};
use vorgang_core::mail;
use vorgang_core::rejection::Rejection;
use vorgang_runtime::Error;
use vorgang_runtime::scales::Tried;
use vorgang_store::inbox::{AccountState, InboxRow, InboxState};

/// An account whose right to sign in ends within this is warned of.
const SOON: jiff::SignedDuration = jiff::SignedDuration::from_hours(14 * 24);

const PAGE: u32 = 50;

/// How much of a body is shown.
const SHOWN_MAX: usize = 4_000;

#[derive(Debug, Deserialize)]
pub struct MailQuery {
    state: Option<String>,
    before: Option<i64>,
}

fn title(t: &'static Texts, state: InboxState) -> &'static str {
    match state {
        InboxState::Quarantined => t.quarantined,
        InboxState::Taken => t.taken,
        InboxState::Ignored => t.ignored,
        InboxState::Discarded => t.discarded,
    }
}

pub async fn list(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Query(query): Query<MailQuery>,
) -> Response {
    let model = app.desk.model();
    let page = Page::new(&app, &who, &model).await;
    let t = page.t;
    let state = query.state.as_deref().and_then(InboxState::from_word);
    let (rows, waiting) =
        match tokio::try_join!(app.desk.store.inbox_list(state, PAGE, query.before), app.desk.store.inbox_count(InboxState::Quarantined)) {
            Ok(found) => found,
            Err(e) => return failed(e.into(), &id),
        };
    let word = |s: Option<InboxState>| s.map_or("all", InboxState::word);
    let body = html! {
        h1 { (t.inbox) }
        nav aria-label=(t.inbox) { ul.tabs {
            @for s in std::iter::once(None).chain(InboxState::ALL.into_iter().map(Some)) {
                li { a href=(format!("/admin/mail?state={}", word(s))) data-enhance aria-current=[(s == state).then_some("page")] {
                    (s.map_or(t.all_mail, |s| title(t, s))) @if s == Some(InboxState::Quarantined) && waiting > 0 { " (" (waiting) ")" } } }
            }
        } }
        @if rows.is_empty() { p.quiet { (t.nothing_here) } }
        @else {
            div.table tabindex="0" role="region" aria-label=(t.inbox) { table {
                thead { tr { th scope="col" { (t.when) } th scope="col" { (t.sent_by) } th scope="col" { (t.subject) } th scope="col" { (t.state) } th scope="col" { (t.ticket) } th scope="col" { (t.reasons) } } }
                tbody { @for row in &rows { tr {
                    td.nowrap { a href=(format!("/admin/mail/{}", row.id)) data-enhance { (widgets::time(&page, row.at)) } }
                    td { (row.sender) }
                    td { (row.subject) }
                    td.nowrap { (title(t, row.state)) }
                    td.nowrap { @if let Some(number) = &row.number { a href=(page.ticket_url(number)) data-enhance { (number) } } @else { "–" } }
                    td { (row.details.reasons.last().map_or("", |r| r.said.as_str())) }
                } } }
            } }
            @if rows.len() == PAGE as usize && let Some(last) = rows.last() {
                p { a href=(format!("/admin/mail?state={}&before={}", word(state), last.id)) data-enhance { (t.older) } }
            }
        }
    };
    page.render(StatusCode::OK, t.inbox, "/admin/mail", &body)
}

pub async fn page(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(mail): Path<i64>,
) -> Response {
    match app.desk.store.inbox_get(mail).await {
        Ok(Some(row)) => draw(&app, &who, &id, &row).await,
        Ok(None) => failed(Error::Rejected(Rejection::NotFound), &id),
        Err(e) => failed(e.into(), &id),
    }
}

async fn draw(app: &App, who: &Who, id: &RequestId, row: &InboxRow) -> Response {
    // Of a mail whose content was removed the log keeps how it came and what became of it.
    let is_erased = row.blob.is_empty();
    let tried = match app.desk.try_mail(row.id).await {
        Ok(tried) => Some(tried),
        Err(_) if is_erased => None,
        Err(e) => return failed(e, id),
    };
    let model = app.desk.model();
    let page = Page::new(app, who, &model).await;
    let t = page.t;
    let base = format!("/admin/mail/{}", row.id);
    let none = |text: &str| if text.is_empty() { "–".to_owned() } else { text.to_owned() };
    let body = html! {
        h1 { (if row.subject.is_empty() { t.inbox } else { row.subject.as_str() }) }
        section.card {
            dl.facts {
                dt { (t.state) } dd { (title(t, row.state)) }
                dt { (t.when) } dd { (widgets::time(&page, row.at)) }
                dt { (t.sent_by) } dd { (none(&row.sender)) @if !row.details.return_path.is_empty() { " (" (row.details.return_path) ")" } }
                dt { (t.sent_to) } dd { (none(&row.details.recipients.join(", "))) }
                dt { (t.door) } dd { (row.details.door) @if let Some(account) = &row.details.account { " · " (account) } }
                dt { "Message-ID" } dd { code { (none(&row.message_id)) } }
                dt { (t.size) } dd { (row.size / 1024 + 1) " KB" }
                @if let Some(number) = &row.number { dt { (t.ticket) } dd { a href=(page.ticket_url(number)) data-enhance { (number) } } }
            }
            div.buttons {
                @if is_erased { p.quiet { (t.content_removed) } } @else { a.button href=(format!("{base}/raw")) download { (t.original) } }
                @if row.state == InboxState::Quarantined {
                    form method="post" action=(format!("{base}/replay")) { (page.csrf()) button.primary { (t.replay) } }
                    form method="post" action=(format!("{base}/discard")) { (page.csrf()) button { (t.discard) } }
                }
            }
        }
        section.card { h2 { (t.reasons) } (reasons(&row.details.reasons)) }
        @if let Some(tried) = &tried {
            section.card { h2 { (t.as_if_now) } p.quiet { (t.nothing_changed) } (outcome(&page, tried)) (reasons(&tried.reasons)) }
        }
        @if let Some(Ok(mail)) = tried.as_ref().map(|t| &t.mail) {
            details.card { summary { (t.message) } br; pre.mail { (mail.body.get(..mail.body.floor_char_boundary(SHOWN_MAX)).unwrap_or_default()) } }
            details.card { summary { "Header (" (mail.headers.len()) ")" } br;
                pre.mail { @for (name, value) in mail.headers.iter().take(200) { (name) ": " (value) "\n" } } }
        }
    };
    page.render(StatusCode::OK, t.inbox, "/admin/mail", &body)
}

fn reasons(all: &[Reason]) -> Markup {
    html! { @if !all.is_empty() { ol.reasons { @for r in all { li { strong { (r.by) } ": " (r.said) } } } } }
}

fn outcome(page: &Page, tried: &Tried) -> Markup {
    let t = page.t;
    html! { p { @match (&tried.mail, &tried.verdict) {
        (Err(why), _) => { strong { (t.quarantined) } ": " (why) }
        (_, Some(Verdict::Taken(taken))) => {
            strong { (t.taken) } ": "
            @match &taken.ticket { Some(number) => { (t.ticket) " " (number) } None => { (t.new_ticket) ", " (widgets::word(page.model, "queue", &taken.queue, page.language())) } }
        }
        (_, Some(Verdict::Ignored)) => { strong { (t.ignored) } }
        _ => { strong { (t.quarantined) } }
    } } }
}

pub async fn raw(State(app): State<App>, Extension(id): Extension<RequestId>, Path(mail): Path<i64>) -> Response {
    let found = async {
        let row = app.desk.store.inbox_get(mail).await?.ok_or(Rejection::NotFound)?;
        Ok::<_, Error>(app.desk.store.blob(&row.blob).await?.ok_or(Rejection::NotFound)?)
    };
    match found.await {
        Ok(bytes) => download(&format!("mail-{mail}.eml"), bytes),
        Err(e) => failed(e, &id),
    }
}

pub async fn replay(State(app): State<App>, Extension(id): Extension<RequestId>, Path(mail): Path<i64>, _: FormData) -> Response {
    match app.desk.replay_mail(mail).await {
        Ok(_) => Redirect::to(&format!("/admin/mail/{mail}")).into_response(),
        Err(e) => failed(e, &id),
    }
}

pub async fn discard(State(app): State<App>, Extension(id): Extension<RequestId>, Path(mail): Path<i64>, _: FormData) -> Response {
    match app.desk.store.inbox_discard(mail).await {
        Ok(_) => Redirect::to("/admin/mail?state=quarantined").into_response(),
        Err(e) => failed(e.into(), &id),
    }
}

pub async fn accounts(State(app): State<App>, Extension(who): Extension<Who>, Extension(id): Extension<RequestId>) -> Response {
    draw_accounts(&app, &who, &id, None).await
}

async fn draw_accounts(app: &App, who: &Who, id: &RequestId, tested: Option<(&str, Vec<Result<String, String>>)>) -> Response {
    let states = match app.desk.store.account_states().await {
        Ok(states) => states,
        Err(e) => return failed(e.into(), id),
    };
    let model = app.desk.model();
    let page = Page::new(app, who, &model).await;
    let t = page.t;
    let none = AccountState::default();
    let body = html! {
        h1 { (t.accounts) }
        @if let Some((name, results)) = &tested {
            @for result in results { @match result {
                Ok(said) => { div.notice.good role="status" { p { (name) ": " (said) } } }
                Err(why) => { div.notice.warn role="status" { p { (name) ": " (why) } } }
            } }
        }
        @if model.names.accounts.is_empty() { p.quiet { (t.nothing_here) } }
        @for account in model.names.accounts.iter() {
            @let state = states.iter().find(|(n, _)| *n == *account.name).map_or(&none, |(_, s)| s);
            section.card {
                h2 { (model.title(account.title.as_ref(), &account.name, page.language())) }
                dl.facts {
                    dt { (t.address) } dd { (mail::Address::from(&account.address)) }
                    dt { (t.queue) } dd { (widgets::word(&model, "queue", &account.queue, page.language())) }
                    dt { (t.receives) } dd { (account.receive.as_ref().map_or(t.handed_over.to_owned(), |u| format!("{} {}", u.host, u.folder))) }
                    dt { (t.sends) } dd { (account.send.as_ref().map_or(t.server_default, |u| u.host.as_str())) }
                    @if let Some(at) = state.ends.filter(|_| account.oauth.is_some()) {
                        dt { (t.sign_in_ends) }
                        dd {
                            (widgets::time(&page, at))
                            @if at.duration_since(app.desk.clock.now()) < SOON { " – " strong { (t.sign_in_again) } }
                        }
                    }
                    @if account.receive.is_some() {
                        dt { (t.last_good) } dd { @match state.good { Some(at) => (widgets::time(&page, at)), None => "–" } }
                        dt { (t.taken) } dd { (state.taken) }
                        @if let Some((at, why)) = &state.bad { dt { (t.error) } dd { (widgets::time(&page, *at)) ": " (why) } }
                    }
                }
                @if app.servers.is_some() && (account.receive.is_some() || account.send.is_some()) {
                    form method="post" action=(format!("/admin/mail/accounts/{}/test", account.name)) { (page.csrf()) div.buttons { button { (t.try_it) } } }
                }
            }
        }
    };
    page.render(StatusCode::OK, t.accounts, "/admin/mail/accounts", &body)
}

pub async fn test(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(name): Path<String>,
    _: FormData,
) -> Response {
    let account = app.desk.model().names.accounts.get(&name).cloned();
    let (Some(account), Some(servers)) = (account, &app.servers) else { return failed(Error::Rejected(Rejection::NotFound), &id) };
    let results = servers.test(&account).await;
    draw_accounts(&app, &who, &id, Some((&name, results))).await
}
