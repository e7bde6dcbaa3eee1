//! `/api/v1/tickets`

use crate::api::{Answerer, ArticleBody, Body, execute, failed, if_match, json_response, take_files, ticket_json};
use crate::extract::{Path, Query};
use crate::problem::{Fault, problem};
use crate::who::Who;
use crate::{App, RequestId};
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use vorgang_core::commands::{AddArticle, Command, MergeTicket, NewTicket, PatchTicket, SplitTicket, TakeBackMail, WatchTicket};
use vorgang_core::filter::Filter;
use vorgang_core::ids::{ArticleId, Login, TicketNumber};
use vorgang_core::people::PersonKind;
use vorgang_core::rejection::Rejection;
use vorgang_definitions::actions::link::LinkKind;
use vorgang_runtime::Done;
use vorgang_runtime::search::Wanted;
use vorgang_store::Sort;

const LIMIT_MAX: u32 = 200;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewBody {
    title: String,
    #[serde(rename = "type")]
    ticket_type: String,
    queue: String,
    state: Option<String>,
    priority: Option<Json>,
    customer_user: Option<String>,
    #[serde(default)]
    fields: BTreeMap<String, Json>,
    article: Option<ArticleBody>,
}

pub async fn create(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    body: Body<NewBody>,
) -> Response {
    let (body, key) = body.split();
    let article = match body.article.map(ArticleBody::input).transpose() {
        Ok(article) => article,
        Err(f) => return problem(&f, &id),
    };
    let priority = body.priority.map(|p| p.as_str().map_or_else(|| p.to_string(), str::to_owned));
    let mut fields = body.fields;
    let blobs = match take_files(&mut fields) {
        Ok(blobs) => blobs,
        Err(f) => return problem(&f, &id),
    };
    let new = NewTicket {
        title: body.title,
        ticket_type: body.ticket_type,
        queue: body.queue,
        state: body.state,
        priority,
        customer_user: body.customer_user.map(Login::from),
        fields,
        article,
        blobs,
    };
    execute(&app, &who, &id, None, Command::CreateTicket(new), StatusCode::CREATED, key).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    queue: Option<String>,
    state: Option<String>,
    #[serde(rename = "type")]
    ticket_type: Option<String>,
    owner: Option<String>,
    /// A condition in CEL, for agents.
    #[serde(rename = "where")]
    condition: Option<String>,
    /// Words, all of them in one article or in number and title; `word*` is a beginning.
    text: Option<String>,
    sort: Option<String>,
    limit: Option<u32>,
    cursor: Option<i64>,
}

pub async fn list(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Query(q): Query<ListQuery>,
) -> Response {
    let sort = match q.sort.as_deref() {
        None | Some("-created") => Sort::NewestFirst,
        Some("created") => Sort::OldestFirst,
        Some(_) => {
            return problem(&Fault::new(StatusCode::BAD_REQUEST, "sort is created or -created.", "sort ist created oder -created."), &id);
        }
    };
    let mut narrow = Filter::All;
    let words = |list: &str| list.split(',').map(str::to_owned).collect::<Vec<_>>();
    if let Some(queue) = &q.queue {
        narrow = narrow.and(Filter::Queue(words(queue)));
    }
    if let Some(state) = &q.state {
        narrow = narrow.and(Filter::State(words(state)));
    }
    if let Some(ticket_type) = &q.ticket_type {
        narrow = narrow.and(Filter::Type(words(ticket_type)));
    }
    if let Some(owner) = &q.owner {
        // Customers never see who works on it, so they cannot ask for it either.
        let mine = if owner == "me" { who.person.login.clone() } else { owner.as_str().into() };
        narrow = narrow.and(if who.person.kind == PersonKind::Agent { Filter::Owner(mine) } else { Filter::None });
    }
    let limit = q.limit.unwrap_or(50).clamp(1, LIMIT_MAX);
    let wanted = Wanted { narrow, text: q.text.as_deref(), sort, limit, after: q.cursor };
    let found = match &q.condition {
        None => app.desk.tickets_with(&who.person, &wanted).await,
        Some(_) if who.person.kind != PersonKind::Agent => {
            let fault = Fault::new(StatusCode::FORBIDDEN, "Conditions are for agents.", "Bedingungen sind für Agenten.");
            return problem(&fault, &id);
        }
        Some(text) => match app.desk.condition(text) {
            Ok(condition) => app.desk.search(&who.person, &wanted, &condition).await,
            Err(why) => {
                let fault = Fault::new(StatusCode::BAD_REQUEST, &format!("where: {why}."), &format!("where: {why}."));
                return problem(&fault, &id);
            }
        },
    };
    match found {
        Ok(page) => {
            let model = app.desk.model();
            let items: Vec<Json> = page
                .items
                .iter()
                .map(|r| {
                    json!({
                        "number": r.number, "title": r.title, "type": r.ticket_type, "queue": r.queue, "state": r.state,
                        "state_type": model.names.state_type(&r.state), "priority": model.names.priority_level(&r.priority),
                        "priority_name": r.priority, "owner": r.owner.as_ref().filter(|_| who.person.kind == PersonKind::Agent), "customer": r.customer, "customer_user": r.customer_user,
                        "created": r.created, "updated": r.updated,
                    })
                })
                .collect();
            json_response(StatusCode::OK, &json!({"items": items, "next": page.next}), None)
        }
        Err(e) => failed(e, &id),
    }
}

pub async fn read(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
) -> Response {
    match app.desk.ticket_view(&who.person, &number).await {
        Ok(view) => {
            let agent = who.person.kind == PersonKind::Agent;
            let json = ticket_json(&view.model, &view.snapshot, agent, view.shown_fields().as_ref());
            json_response(StatusCode::OK, &json, Some(view.snapshot.version))
        }
        Err(e) => failed(e, &id),
    }
}

/// Attributes and own fields share one name space, as in `set`; `fields` may also hold the own ones.
pub async fn change(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
    headers: HeaderMap,
    body: Body<serde_json::Map<String, Json>>,
) -> Response {
    let (mut body, key) = body.split();
    let expected = match if_match(&headers) {
        Ok(expected) => expected,
        Err(f) => return problem(&f, &id),
    };
    let seen = match body.remove("version") {
        None => None,
        Some(v) if v.as_u64().is_some() => v.as_u64(),
        Some(_) => return problem(&Fault::new(StatusCode::BAD_REQUEST, "version is a number.", "version ist eine Zahl."), &id),
    };
    let fields = body.remove("fields");
    let mut values: BTreeMap<String, Json> = body.into_iter().collect();
    match fields {
        None => {}
        Some(Json::Object(fields)) => values.extend(fields),
        Some(_) => return problem(&Fault::new(StatusCode::BAD_REQUEST, "fields is an object.", "fields ist ein Objekt."), &id),
    }
    let blobs = match take_files(&mut values) {
        Ok(blobs) => blobs,
        Err(f) => return problem(&f, &id),
    };
    let command = Command::PatchTicket(PatchTicket { values, seen: seen.or(expected), expected, blobs });
    execute(&app, &who, &id, Some(&number), command, StatusCode::OK, key).await
}

pub async fn articles(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
) -> Response {
    match app.desk.ticket_view(&who.person, &number).await {
        Ok(view) => {
            let items: Vec<Json> = view
                .articles
                .iter()
                .map(|a| {
                    let attachments: Vec<Json> =
                        a.attachments.iter().map(|f| json!({"name": f.name, "content_type": f.content_type, "size": f.size})).collect();
                    json!({
                        "id": a.seq, "channel": a.channel, "sender": a.sender, "author": a.author, "visible": a.visible,
                        "subject": a.subject, "body": a.body, "created": a.at, "attachments": attachments,
                        "mail": a.head.as_ref().filter(|_| who.person.kind == PersonKind::Agent).map(|h| json!({
                            "from": h.from.to_string(),
                            "to": h.to.iter().map(ToString::to_string).collect::<Vec<_>>(),
                            "cc": h.cc.iter().map(ToString::to_string).collect::<Vec<_>>(),
                            "reply_to": h.reply_to.iter().map(ToString::to_string).collect::<Vec<_>>(),
                            "message_id": h.message_id, "authenticated": h.auth.as_ref().map(vorgang_core::mail::Auth::is_good),
                            "ambiguous": h.auth.as_ref().and_then(|a| a.ambiguous.as_deref()), "auto": h.auto, "taken_back": a.withdrawn,
                        })),
                        "erased": a.erased.as_ref().map(|e| e.at), "rejected": a.rejected,
                        "origin": a.origin.as_ref().filter(|_| who.person.kind == PersonKind::Agent),
                    })
                })
                .collect();
            json_response(StatusCode::OK, &json!({"items": items}), None)
        }
        Err(e) => failed(e, &id),
    }
}

/// The content to erase.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EraseBody {
    reason: String,
    /// The place of one file among the article's, from 1; without it everything goes.
    file: Option<usize>,
}

/// Removes the content of a message, or one of its files, for good.
pub async fn erase(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path((number, article)): Path<(String, ArticleId)>,
    body: Body<EraseBody>,
) -> Response {
    let (wish, key) = body.split();
    let what = (article, wish.file.map(|n| n.wrapping_sub(1)));
    let writer = Answerer::new(&app, &who);
    let answer = |done: &Done| writer.kept(StatusCode::OK, done);
    let result = app.desk.erase_once(&who.person, &number, what, &wish.reason, "api", key.once(&answer)).await;
    writer.response(StatusCode::OK, result, &id).await
}

pub async fn article_add(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
    body: Body<ArticleBody>,
) -> Response {
    let (body, key) = body.split();
    match body.input() {
        Ok(article) => execute(&app, &who, &id, Some(&number), Command::AddArticle(AddArticle { article }), StatusCode::CREATED, key).await,
        Err(f) => problem(&f, &id),
    }
}

/// Before the mail went out.
pub async fn take_back(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path((number, article)): Path<(String, ArticleId)>,
    body: Body<serde_json::Map<String, Json>>,
) -> Response {
    let (_, key) = body.split();
    let view = match app.desk.ticket_view(&who.person, &number).await {
        Ok(view) => view,
        Err(e) => return failed(e, &id),
    };
    let Some(mail) = view.article(article).and_then(|a| a.head.as_deref()?.outgoing) else {
        return failed(Rejection::NotFound.into(), &id);
    };
    let command = Command::TakeBackMail(TakeBackMail { mail, article });
    execute(&app, &who, &id, Some(&number), command, StatusCode::OK, key).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchBody {
    watch: bool,
}

pub async fn watch(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
    body: Body<WatchBody>,
) -> Response {
    let (WatchBody { watch }, key) = body.split();
    execute(&app, &who, &id, Some(&number), Command::WatchTicket(WatchTicket { watch }), StatusCode::OK, key).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MergeBody {
    into: TicketNumber,
}

pub async fn merge(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
    body: Body<MergeBody>,
) -> Response {
    let (MergeBody { into }, key) = body.split();
    execute(&app, &who, &id, Some(&number), Command::MergeTicket(MergeTicket { into }), StatusCode::OK, key).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitBody {
    article: ArticleId,
    #[serde(rename = "type")]
    ticket_type: String,
    queue: String,
}

pub async fn split(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
    body: Body<SplitBody>,
) -> Response {
    let (SplitBody { article, ticket_type, queue }, key) = body.split();
    let command = Command::SplitTicket(SplitTicket { article, ticket_type, queue });
    execute(&app, &who, &id, Some(&number), command, StatusCode::CREATED, key).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkBody {
    to: String,
    /// What the other ticket is to this one: child, parent, related.
    #[serde(rename = "type")]
    kind: Option<String>,
    linked: Option<bool>,
}

pub async fn link(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
    body: Body<LinkBody>,
) -> Response {
    let (body, key) = body.split();
    let kind = match body.kind.as_deref().map(LinkKind::from_word) {
        None => LinkKind::Related,
        Some(Some(kind)) => kind,
        Some(None) => {
            let fault = Fault::new(StatusCode::BAD_REQUEST, "type is child, parent or related.", "type ist child, parent oder related.");
            return problem(&fault, &id);
        }
    };
    match app.desk.link_command(&who.person, &number, &body.to, kind, body.linked.unwrap_or(true)).await {
        Ok(command) => execute(&app, &who, &id, Some(&number), command, StatusCode::OK, key).await,
        Err(e) => failed(e, &id),
    }
}

pub async fn links(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
) -> Response {
    let linked = async {
        let view = app.desk.ticket_view(&who.person, &number).await?;
        app.desk.links(&who.person, &view).await
    };
    match linked.await {
        Ok(links) => {
            let item = |(row, kind): &(vorgang_store::TicketRow, String)| json!({"number": row.number, "title": row.title, "state": row.state, "type": kind});
            json_response(StatusCode::OK, &json!({"items": links.iter().map(item).collect::<Vec<_>>()}), None)
        }
        Err(e) => failed(e, &id),
    }
}

pub async fn history(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
) -> Response {
    match app.desk.history_view(&who.person, &number).await {
        Ok(rows) => {
            let items: Vec<Json> = rows
                .iter()
                .map(|r| json!({"version": r.version, "at": r.at, "actor": r.actor, "command": r.command, "cause": r.cause, "events": r.events}))
                .collect();
            json_response(StatusCode::OK, &json!({"items": items}), None)
        }
        Err(e) => failed(e, &id),
    }
}
