//! Where agents work: dashboard, queues, work, a new ticket.

use crate::extract::Query;
use crate::forms::{self, Input, Typed};
use crate::input::{self, FormData};
use crate::layout::Page;
use crate::pages::ticket::answer_form;
use crate::pages::{execute, failed};
use crate::who::Who;
use crate::{App, RequestId, widgets};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use std::collections::BTreeMap;
use vorgang_core::commands::{ArticleInput, Command, NewTicket};
use vorgang_core::filter::Filter;
use vorgang_core::ids::Login;
use vorgang_core::open::title;
use vorgang_core::rights;
use vorgang_definitions::kinds::role::Right;
use vorgang_runtime::Request;
use vorgang_runtime::search::Wanted;
use vorgang_store::{Sort, WorkRow};

pub async fn dashboard(State(app): State<App>, Extension(who): Extension<Who>, Extension(id): Extension<RequestId>) -> Response {
    let model = app.desk.model();
    let page = Page::new(&app, &who, &model).await;
    let t = page.t;
    let open = widgets::open_states(&model);
    let open_filter = Filter::State(open.clone());
    // Counts are by queue: of those that the agent may read.
    let readable = Filter::Queue(rights::readable_queues(&model.names, &who.person));
    let mine = open_filter.clone().and(Filter::Owner(who.person.login.clone()));
    let (counts, newest, own, work) = (
        app.desk.store.ticket_counts(&readable.and(open_filter.clone())).await,
        app.desk.tickets(&who.person, &open_filter, Sort::NewestFirst, 10, None).await,
        app.desk.tickets(&who.person, &mine, Sort::NewestFirst, 10, None).await,
        app.desk.work(&who.person, false, 10).await,
    );
    let (counts, newest, own, work) = match (counts, newest, own, work) {
        (Ok(a), Ok(b), Ok(c), Ok(d)) => (a, b, c, d),
        (Err(e), ..) => return failed(e.into(), &id),
        (_, Err(e), ..) | (_, _, Err(e), _) | (.., Err(e)) => return failed(e, &id),
    };
    let body = html! {
        h1 { (t.dashboard) }
        section { h2 { (t.my_work) } (work_table(&page, &work)) }
        section.card { h2 { (t.open_tickets) }
            div.table tabindex="0" role="region" aria-label=(t.open_tickets) { table {
                thead { tr { th scope="col" { (t.queue) } @for s in &open { th.number scope="col" { (widgets::word(&model, "state", s, page.language())) } } th.number scope="col" { (t.total) } } }
                tbody { @for q in model.names.queues.iter() {
                    @let row: Vec<_> = counts.iter().filter(|c| q.name == c.queue.as_str()).collect();
                    @if !row.is_empty() { tr {
                        th scope="row" { a href=(format!("/agent/queue?queue={}", q.name)) data-enhance { (widgets::word(&model, "queue", &q.name, page.language())) } }
                        @for s in &open { td.number { (row.iter().find(|c| c.state == *s).map_or(0, |c| c.tickets)) } }
                        td.number { strong { (row.iter().map(|c| c.tickets).sum::<u64>()) } }
                    } }
                } }
            } }
        }
        section { h2 { (t.my_open) } (widgets::tickets(&page, t.my_open, &own.items)) }
        section { h2 { (t.newest) } (widgets::tickets(&page, t.newest, &newest.items)) }
    };
    page.render(StatusCode::OK, t.dashboard, "/agent", &body)
}

fn work_table(page: &Page, rows: &[WorkRow]) -> Markup {
    let (t, model) = (page.t, page.model);
    if rows.is_empty() {
        return html! { p.quiet { (t.nothing_here) } };
    }
    html! {
        div.table tabindex="0" role="region" aria-label=(t.work) { table {
            thead { tr { th scope="col" { (t.ticket) } th scope="col" { (t.what) } th scope="col" { (t.title) } th scope="col" { (t.process) } th scope="col" { (t.created) } } }
            tbody { @for row in rows { tr {
                td.nowrap { a href=(page.ticket_url(&row.ticket.number)) data-enhance { (row.ticket.number) } }
                @let process = model.processes.get(&row.process).map(|p| &p.def);
                td { (process.map_or_else(|| row.item.activity.clone(), |p| title(model, p, &row.item, page.language()))) }
                td { (row.ticket.title) }
                td { (process.map_or(row.process.as_str(), |p| model.title(p.title.as_ref(), &row.process, page.language()))) }
                td.nowrap { (widgets::time(page, row.item.entered)) }
            } } }
        } }
    }
}

pub async fn work(State(app): State<App>, Extension(who): Extension<Who>, Extension(id): Extension<RequestId>) -> Response {
    let model = app.desk.model();
    let page = Page::new(&app, &who, &model).await;
    match app.desk.work(&who.person, false, 100).await {
        Ok(rows) => {
            let body = html! { h1 { (page.t.my_work) } (work_table(&page, &rows)) };
            page.render(StatusCode::OK, page.t.work, "/agent/work", &body)
        }
        Err(e) => failed(e, &id),
    }
}

#[derive(serde::Deserialize, Default)]
pub struct Narrow {
    queue: Option<String>,
    state: Option<String>,
    q: Option<String>,
    /// A condition in CEL.
    #[serde(rename = "where")]
    condition: Option<String>,
    cursor: Option<i64>,
}

impl Narrow {
    fn filter(&self, open: Vec<String>) -> Filter {
        let given = |t: &Option<String>| t.clone().filter(|t| !t.is_empty());
        let mut filter = Filter::All;
        if let Some(queue) = given(&self.queue) {
            filter = filter.and(Filter::Queue(vec![queue]));
        }
        match given(&self.state).as_deref() {
            Some("*") => filter,
            Some(state) => filter.and(Filter::State(vec![state.to_owned()])),
            None => filter.and(Filter::State(open)),
        }
    }

    fn next(&self, cursor: i64) -> String {
        let part = |name: &str, value: &Option<String>| value.as_ref().map(|v| format!("{name}={}&", input::encode(v))).unwrap_or_default();
        let parts = [("queue", &self.queue), ("state", &self.state), ("q", &self.q), ("where", &self.condition)];
        let parts: String = parts.into_iter().map(|(name, value)| part(name, value)).collect();
        format!("/agent/queue?{parts}cursor={cursor}")
    }
}

pub async fn queue(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Query(narrow): Query<Narrow>,
) -> Response {
    let model = app.desk.model();
    let page = Page::new(&app, &who, &model).await;
    let (t, language) = (page.t, page.language());
    let filter = narrow.filter(widgets::open_states(&model));
    let text = narrow.condition.as_deref().map(str::trim).filter(|t| !t.is_empty());
    let condition = text.map(|t| app.desk.condition(t)).transpose();
    let wanted = Wanted { narrow: filter, text: narrow.q.as_deref(), sort: Sort::NewestFirst, limit: 50, after: narrow.cursor };
    let rows = match &condition {
        Ok(None) => app.desk.tickets_with(&who.person, &wanted).await,
        Ok(Some(condition)) => app.desk.search(&who.person, &wanted, condition).await,
        Err(_) => Ok(vorgang_store::Page { items: vec![], next: None }),
    };
    let rows = match rows {
        Ok(rows) => rows,
        Err(e) => return failed(e, &id),
    };
    let wrong = condition.as_ref().err();
    let readable = rights::readable_queues(&model.names, &who.person);
    let (queue, state) = (narrow.queue.as_deref().unwrap_or(""), narrow.state.as_deref().unwrap_or(""));
    let body = html! {
        h1 { (if queue.is_empty() { t.queues.to_owned() } else { widgets::word(&model, "queue", queue, language) }) }
        form.card.inline method="get" action="/agent/queue" data-enhance {
            div.field { label for="queue" { (t.queue) } select id="queue" name="queue" {
                option value="" { (t.any) }
                @for q in &readable { option value=(q) selected[q == queue] { (widgets::word(&model, "queue", q, language)) } }
            } }
            div.field { label for="state" { (t.state) } select id="state" name="state" {
                option value="" { (t.open_only) }
                option value="*" selected[state == "*"] { (t.any) }
                @for s in model.names.states.iter() { option value=(s.name) selected[s.name == state] { (widgets::word(&model, "state", &s.name, language)) } }
            } }
            div.field { label for="q" { (t.search_hint) } input id="q" name="q" type="search" value=(narrow.q.as_deref().unwrap_or("")); }
            div class=(if wrong.is_some() { "field bad wide" } else { "field wide" }) {
                label for="where" { (t.condition_cel) }
                @if let Some(why) = wrong { p.error id="where-error" { (why) } }
                input id="where" name="where" value=(text.unwrap_or("")) placeholder="ticket.priority > 3 && !has(ticket.owner)"
                    spellcheck="false" autocapitalize="off" aria-describedby=[wrong.map(|_| "where-error")] aria-invalid=[wrong.map(|_| "true")];
            }
            button { (t.filter) }
        }
        (widgets::tickets(&page, t.queues, &rows.items))
        @if let Some(next) = rows.next { p { a href=(narrow.next(next)) data-enhance { (t.older) } } }
    };
    page.render(StatusCode::OK, t.queues, "/agent/queue", &body)
}

pub async fn new_form(State(app): State<App>, Extension(who): Extension<Who>) -> Response {
    draw_new(&app, &who, &Typed::default(), StatusCode::OK).await
}

async fn draw_new(app: &App, who: &Who, typed: &Typed, status: StatusCode) -> Response {
    let model = app.desk.model();
    let page = Page::new(app, who, &model).await;
    let (t, language) = (page.t, page.language());
    let names = &model.names;
    let queues: Vec<&str> =
        names.queues.iter().map(|q| q.name.as_str()).filter(|q| rights::in_queue(names, &who.person, q, Right::Create)).collect();
    let text = |name: &str| typed.values.get(name).and_then(|v| v.as_str()).unwrap_or("").to_owned();
    let null = serde_json::Value::Null;
    let mut own: Vec<&str> = names.types.iter().flat_map(|ty| ty.fields.iter().filter(|f| f.required)).map(|f| f.field.as_str()).collect();
    own.sort_unstable();
    own.dedup();
    let body = html! {
        (forms::refusal(&page, typed))
        h1 { (t.new_ticket) }
        form.card method="post" action="/agent/new" enctype="multipart/form-data" data-enhance {
            (page.once())
            div.field { label for="f-type" { (t.ticket_type) } select id="f-type" name="f.type" {
                @for ty in names.types.iter() { option value=(ty.name) selected[text("type") == *ty.name] { (widgets::word(&model, "type", &ty.name, language)) } } } }
            div.field { label for="f-queue" { (t.queue) } select id="f-queue" name="f.queue" {
                @for q in &queues { option value=(q) selected[text("queue") == *q] { (widgets::word(&model, "queue", q, language)) } } } }
            (forms::input(&page, Input::plain("title", true, &null), typed))
            (forms::input(&page, Input::plain("customer_user", false, &null), typed))
            @for name in &own { (forms::input(&page, Input::plain(name, false, &null), typed)) }
            div.field { label for="f-article" { (t.message) } textarea id="f-article" name="article" { (typed.article) } }
            div.field { label for="files" { (t.attachments) } input id="files" type="file" name="files" multiple; }
            div.buttons { button.primary { (t.create) } }
        }
    };
    page.render(status, t.new_ticket, "/agent/new", &body)
}

pub async fn new_submit(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    data: FormData,
) -> Response {
    let once = data.once();
    let form = data.dialog();
    let mut values = form.values.clone();
    let mut take = |name: &str| values.remove(name).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    let (ticket_type, queue, title, customer) = (take("type"), take("queue"), take("title"), take("customer_user"));
    // Fields of other types, left empty.
    let fields: BTreeMap<_, _> = values.into_iter().filter(|(_, v)| v.as_str() != Some("")).collect();
    let article = form.article.clone().filter(|a| !a.body.trim().is_empty() || !a.attachments.is_empty());
    let new = NewTicket {
        title,
        ticket_type,
        queue,
        customer_user: Some(customer).filter(|c| !c.is_empty()).map(Login::from),
        fields,
        article: article.map(|a| ArticleInput { visible: true, channel: Some("phone".into()), ..a }),
        blobs: form.blobs.clone(),
        ..NewTicket::default()
    };
    let typed = Typed { values: form.values.clone(), article: form.article.map(|a| a.body).unwrap_or_default(), ..Typed::default() };
    let request = Request { actor: &who.person, ticket: None, command: Command::CreateTicket(new), cause: "portal", at: None };
    let done = execute(&app, request, once).await;
    let again = async |typed, status| draw_new(&app, &who, &typed, status).await;
    answer_form((&app, &who, &id), done, typed, again).await
}
