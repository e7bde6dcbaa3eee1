//! One ticket: the process, the next steps with their forms, messages, details, history.

use crate::extract::{Path, Query};
use crate::forms::{self, Input, Typed};
use crate::input::{FormData, Once};
use crate::layout::Page;
use crate::pages::{download, execute, failed, related, steer};
use crate::who::Who;
use crate::{App, RequestId, problem, quotes, widgets};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use vorgang_core::acl::Shape;
use vorgang_core::article::{Article, Erasure, Sender};
use vorgang_core::choices::Choices;
use vorgang_core::commands::{AddArticle, ArticleInput, ClaimWork, Command, PatchTicket, ReleaseWork, SubmitDialog, WatchTicket};
use vorgang_core::decision::Remark;
use vorgang_core::ids::{Login, TicketNumber, WorkId};
use vorgang_core::mail::{Head, MailInput, TAKE_BACK_SECONDS, listed};
use vorgang_core::people::PersonKind;
use vorgang_core::recipients;
use vorgang_core::rejection::Rejection;
use vorgang_core::rights::{self, Sight};
use vorgang_definitions::kinds::role::Right;
use vorgang_mail::address;
use vorgang_runtime::view::TicketView;
use vorgang_runtime::{Error, Request};

pub async fn page(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
    Query(shown): Query<Shown>,
) -> Response {
    let typed = Typed { pile: shown.pile.is_some(), ..Typed::default() };
    draw(&app, &who, &id, &number, typed, None, StatusCode::OK).await
}

#[derive(Debug, Default, serde::Deserialize)]
pub struct Shown {
    /// It comes after another one of the same kind.
    pile: Option<String>,
}

/// After a change the browser is sent to the ticket, unless there is something to tell first.
pub async fn after_change(app: &App, who: &Who, id: &RequestId, number: &str, notice: Option<Remark>) -> Response {
    if notice.is_some() {
        return draw(app, who, id, number, Typed::default(), notice, StatusCode::OK).await;
    }
    let base = if who.person.kind == PersonKind::Agent { "/agent" } else { "" };
    // Whoever voted may no longer see the ticket; then the way leads home.
    match app.desk.ticket_view(&who.person, number).await {
        Ok(_) => Redirect::to(&format!("{base}/tickets/{number}")).into_response(),
        Err(_) => Redirect::to(if base.is_empty() { "/" } else { base }).into_response(),
    }
}

pub async fn draw(
    app: &App,
    who: &Who,
    id: &RequestId,
    number: &str,
    typed: Typed,
    notice: Option<Remark>,
    status: StatusCode,
) -> Response {
    let mut view = match app.desk.ticket_view(&who.person, number).await {
        Ok(view) => view,
        Err(e) => return failed(e, id),
    };
    if let Some(work) = typed.work {
        app.desk.refill(&who.person, &mut view, &typed.filling(work));
    }
    let values = if typed.work.is_none() { typed.values.clone() } else { BTreeMap::new() };
    let choices = app.desk.choices(&who.person, &view, &values);
    let linked = match app.desk.links(&who.person, view.snapshot.ticket.id).await {
        Ok(linked) => linked,
        Err(e) => return failed(e, id),
    };
    let model = view.model.clone();
    let page = Page::new(app, who, &model).await;
    let (t, language) = (page.t, page.language());
    let ticket = &view.snapshot.ticket;
    let history = match view.sight {
        Sight::Agent => match app.desk.history_view(&who.person, number).await {
            Ok(history) => history,
            Err(e) => return failed(e, id),
        },
        _ => vec![],
    };
    let body = html! {
        @if let Some(notice) = &notice { (told(&page, notice)) }
        (forms::refusal(&page, &typed))
        div.head data-ticket=(ticket.number) data-version=(view.snapshot.version) {
            h1 { (ticket.title) }
            div.line {
                span { (ticket.number) }
                (widgets::state_tag(&model, &ticket.state, language))
                span { (widgets::word(&model, "type", &ticket.ticket_type, language)) }
                @if page.is_agent() { span { (widgets::word(&model, "queue", &ticket.queue, language)) } }
                span { (t.created) " " (widgets::time(&page, ticket.created)) }
            }
            (presence(&page, &view))
        }
        @for instance in view.instances.iter().rev() { (widgets::process(&page, &view, instance)) (steer::by_hand(&page, &view, instance)) }
        div.columns {
            div {
                (steps(&page, &view, &typed))
                (steer::aside(&page, &view))
                section aria-labelledby="articles" {
                    h2 #articles { (t.articles) }
                    @if view.articles.is_empty() { p.quiet { (t.nothing_here) } }
                    @for article in &view.articles { (message(&page, number, article)) }
                    (write(&page, &view, &choices, &typed))
                }
                @if !history.is_empty() {
                    details.card #history { summary { (t.history_all) }
                        div.table tabindex="0" role="region" aria-label=(t.history) { table {
                            thead { tr { th scope="col" { (t.when) } th scope="col" { (t.who) } th scope="col" { (t.what) } } }
                            tbody { @for row in history.iter().rev() { tr {
                                td.nowrap { (widgets::time(&page, row.at)) }
                                td { (widgets::person_name(&page, &row.actor)) br; span.quiet { (t.by_door) " " (row.cause) } }
                                td { @for event in &row.events { @if let Some(line) = widgets::event(&page, event) { div { (line) } } } }
                            } } }
                        } }
                    }
                }
            }
            aside { (details(&page, &view, &choices, &typed)) (related::links(&page, &view, &linked)) (related::merge_and_split(&page, &view, &choices)) }
        }
    };
    page.render(status, &format!("{} {}", ticket.number, ticket.title), "", &body)
}

/// Who else has the ticket open: for agents.
fn presence(page: &Page, view: &TicketView) -> Markup {
    let people = page.app.desk.people();
    let others = page.app.desk.live.others(&view.snapshot.ticket.number, &page.who.person.login);
    let agents = others.iter().filter_map(|l| people.get(l)).filter(|p| p.kind == PersonKind::Agent && view.sight == Sight::Agent);
    let names: Vec<&str> = agents.map(|p| p.name.as_str()).collect();
    html! { p #presence.quiet role="status" { @if !names.is_empty() { (page.t.also_here) " " strong { (names.join(", ")) } } } }
}

fn told(page: &Page, notice: &Remark) -> Markup {
    let t = page.t;
    // Customers never see conditions, nor what went wrong inside (C20).
    match notice {
        Remark::NoBranch(_) if !page.is_agent() => html! { div.notice.warn role="status" data-focus="" { p { (t.saved_waits) } } },
        Remark::Incident(_) if !page.is_agent() => html! { div.notice.warn role="status" data-focus="" { p { (t.saved_trouble) } } },
        Remark::NoBranch(conditions) => html! {
            div.notice.warn role="status" data-focus="" { p { (t.saved_no_branch) } ul { @for c in conditions { li { code { (c) } } } } }
        },
        Remark::NotMeant(_) => html! {},
        Remark::Rejected => html! { div.notice.warn role="status" data-focus="" { p { (t.saved_rejected) } } },
        Remark::NewTicket(number) => html! {
            div.notice role="status" data-focus="" { p { (t.saved_new_ticket) " " a href=(page.ticket_url(number)) data-enhance { (number) } } }
        },
        Remark::Incident(message) => html! { div.notice.warn role="status" data-focus="" { p { (t.saved_incident) } p { (message) } } },
    }
}

/// The open work that this person may do: each its form.
fn steps(page: &Page, view: &TicketView, typed: &Typed) -> Markup {
    if view.work.is_empty() {
        return html! {};
    }
    let t = page.t;
    let number = &view.snapshot.ticket.number;
    html! {
        section aria-labelledby="next-steps" {
            h2 #next-steps { (t.next_steps) }
            @for work in &view.work {
                @let base = format!("{}/work/{}", page.ticket_url(number), work.item.seq);
                @for form in &work.forms {
                    @let open = view.work.len() + work.forms.len() == 2 || typed.work == Some(work.item.seq);
                    details.card open[open] {
                        summary { (form.title)
                            @if let Some(by) = &work.item.claimed_by { " " span.quiet { (t.claimed_by) " " (widgets::person_name(page, by)) } } }
                        br;
                        @if let Some(due) = work.due { p.quiet { (t.due) " " (widgets::time(page, due)) } }
                        @if work.must_claim { p { (t.claim_first) } }
                        @else { (forms::dialog(page, &base, work, form, view.snapshot.version, typed)) }
                    }
                }
                @if page.is_agent() && work.forms.iter().any(|f| f.dialog != "approval") {
                    @if work.item.claimed_by.is_none() {
                        form method="post" action=(format!("{base}/claim")) data-enhance { (page.csrf()) button class=(if work.must_claim { "primary" } else { "" }) { (t.claim) ": " (work.title) } }
                    } @else {
                        form method="post" action=(format!("{base}/release")) data-enhance { (page.csrf()) button { (t.release) ": " (work.title) } }
                        (steer::own(page, view, work))
                    }
                    br;
                } @else if page.is_agent() && !work.others.is_empty() {
                    (steer::vote(page, view, work))
                }
            }
        }
    }
}

fn message(page: &Page, number: &str, article: &Article) -> Markup {
    let class = match (article.visible, article.sender) {
        (false, _) if article.withdrawn => "article withdrawn",
        (false, _) => "article hidden",
        (true, Sender::Customer) => "article customer",
        (true, _) => "article agent",
    };
    let base = page.ticket_url(number);
    html! {
        article class=(class) {
            header {
                strong { (if article.subject.is_empty() { page.t.message } else { &article.subject }) }
                span.quiet { (widgets::person_name(page, &article.author)) " · " (widgets::time(page, article.at)) }
                @if article.withdrawn { span.tag { (page.t.taken_back) } }
                @else if !article.visible { span.tag.internal { (page.t.internal) } }
                @if let (Some(origin), true) = (&article.origin, page.is_agent()) { span.quiet { (page.t.from_ticket) " " a href=(page.ticket_url(origin)) data-enhance { (origin) } } }
            }
            @if let Some(head) = &article.head { (letter_head(page, &base, article, head)) }
            @if let Some(erasure) = &article.erased { (erased(page, erasure)) }
            (quotes::draw(&article.body, page.t.quoted))
            @if article.head.as_ref().is_some_and(|h| h.html && h.raw.is_some()) {
                details.as-sent { summary { (page.t.as_sent) }
                    iframe.mail title=(page.t.as_sent) sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer" loading="lazy"
                        src=(format!("{base}/articles/{}/html", article.seq)) {} }
            }
            @if !article.attachments.is_empty() {
                ul.files { @for a in article.attachments.iter().filter(|a| !a.blob.is_empty()) { li { a.button href=(format!("{base}/files/{}", a.blob)) download=(a.name) { (a.name) } " " span.quiet { (a.size / 1024 + 1) " KB" } } } }
            }
            (erase(page, &base, article))
        }
    }
}

/// The notice in place of removed content; agents also see who removed it and why.
fn erased(page: &Page, erasure: &Erasure) -> Markup {
    html! {
        p.notice { (page.t.content_removed)
            @if page.is_agent() { " · " (widgets::person_name(page, &erasure.by)) " · " (widgets::time(page, erasure.at)) " · " (erasure.reason) } }
    }
}

/// Removing content for good, for administrators.
fn erase(page: &Page, base: &str, article: &Article) -> Markup {
    let t = page.t;
    let files: Vec<(usize, &str)> =
        article.attachments.iter().enumerate().filter(|(_, a)| !a.blob.is_empty()).map(|(at, a)| (at, a.name.as_str())).collect();
    if !rights::is_admin(&page.model.names, &page.who.person) || (article.body.is_empty() && files.is_empty()) {
        return html! {};
    }
    let id = format!("erase-{}", article.seq);
    html! {
        details.erase { summary { (t.remove_content) }
            form method="post" action=(format!("{base}/articles/{}/erase", article.seq)) data-enhance { (page.csrf())
                p.hint { (t.remove_content_hint) }
                @if !files.is_empty() {
                    div.field { label for=(format!("{id}-what")) { (t.remove_what) } select id=(format!("{id}-what")) name="file" {
                        option value="" { (t.remove_all) }
                        @for (at, name) in &files { option value=(at) { (name) } }
                    } }
                }
                div.field { label for=(format!("{id}-reason")) { (t.reason) } input id=(format!("{id}-reason")) name="reason" required; }
                div.buttons { button { (t.remove_content) } }
            }
        }
    }
}

/// Who wrote to whom; whether that is believed is for agents.
fn letter_head(page: &Page, base: &str, article: &Article, head: &Head) -> Markup {
    let t = page.t;
    let until = head.outgoing.map(|_| article.at + jiff::SignedDuration::from_secs(TAKE_BACK_SECONDS));
    let open = until.filter(|u| !article.withdrawn && page.app.desk.clock.now() < *u);
    html! {
        @if page.is_agent() {
            div.letter {
                span { (t.sent_by) " " (head.from) }
                @if !head.to.is_empty() { span { (t.sent_to) " " (listed(&head.to)) } }
                @if !head.cc.is_empty() { span { (t.copy_to) " " (listed(&head.cc)) } }
                @if !head.reply_to.is_empty() { span { (t.answers_to) " " (listed(&head.reply_to)) } }
                @if let Some(auth) = &head.auth {
                    @if let Some(why) = &auth.ambiguous { span.tag.bad title=(auth) { (t.ambiguous) ": " (why) } }
                    @else if auth.is_forged() { span.tag.bad title=(auth) { (t.forged) } } @else if !auth.is_good() { span.tag title=(auth) { (t.not_verified) } }
                }
                @if head.auto { span.tag { (t.machine) } }
                @if head.raw.is_some() { a href=(format!("{base}/articles/{}/raw", article.seq)) download { (t.original) } }
            }
            @if let Some(until) = open {
                form.take-back method="post" action=(format!("{base}/articles/{}/take-back", article.seq)) {
                    (page.csrf()) span { (t.goes_out) " " (widgets::clock(page, until)) } " " button { (t.take_back) } }
            }
        }
    }
}

/// Recipients of an answer by mail: the form's own, and those that an agent has to choose.
fn recipients(page: &Page, view: &TicketView, typed: Option<(String, String)>) -> Markup {
    let t = page.t;
    let suggested = recipients::suggest(&page.model.names, &page.app.desk.people(), &view.snapshot, &view.articles);
    let (to, cc) = typed.clone().unwrap_or_else(|| (address::list(&suggested.to), address::list(&suggested.cc)));
    let unproved: Vec<String> = suggested.unproved.iter().map(|a| address::list(std::slice::from_ref(a))).collect();
    html! {
        div.field { label for="mail-to" { (t.sent_to) } input #mail-to name="to" value=(to) aria-describedby="mail-hint" autocomplete="off";
            p.hint #mail-hint { (t.by_mail_hint) }
            @for (address, at, why) in &view.bounces { p.notice.warn { (t.came_back) ": " (address) " · " (widgets::time(page, *at)) " · " (why) } } }
        div.field { label for="mail-cc" { (t.copy_to) } input #mail-cc name="cc" value=(cc) autocomplete="off"; }
        @if !unproved.is_empty() {
            fieldset.unproved { legend { (t.unproved) }
                p.hint { (t.unproved_hint) }
                @for (i, address) in unproved.iter().enumerate() {
                    div.check { input type="checkbox" id=(format!("also-{i}")) name="also" value=(address); " " label for=(format!("also-{i}")) { (address) } }
                }
            }
        }
    }
}

/// Writing to the ticket: customers reply, agents answer or note.
fn write(page: &Page, view: &TicketView, choices: &Choices, typed: &Typed) -> Markup {
    let t = page.t;
    let action = format!("{}/article", page.ticket_url(&view.snapshot.ticket.number));
    let kinds: Vec<(bool, &str)> = match view.sight {
        Sight::Customer => vec![(true, t.reply)],
        Sight::Agent => [(true, "answer", t.answer), (false, "note", t.write_note)]
            .into_iter()
            .filter(|k| choices.may(k.1))
            .map(|k| (k.0, k.2))
            .collect(),
        _ => vec![],
    };
    // What only an ACL takes away is missed; whoever lacks the right does not look for it.
    let refused = choices
        .actions
        .iter()
        .filter(|(a, r)| matches!(*a, "answer" | "note") && r.first().is_some_and(|r| matches!(r, Rejection::Acl(_))));
    let refused: Vec<_> = refused.collect();
    let none = Typed::default();
    let by_mail = view.sight == Sight::Agent && page.model.names.account_of(&view.snapshot.ticket.queue).is_some();
    html! {
        @for (visible, title) in kinds {
            @let refused = typed.visible.is_some_and(|v| v == visible || kinds_of(view) == 1);
            @let re = format!("Re: {}", view.snapshot.ticket.title);
            @let (subject, body) = if refused { (typed.subject.as_str(), typed.article.as_str()) } else if visible && by_mail { (re.as_str(), "") } else { ("", "") };
            details.card open[refused] { summary { (title) } br;
                form method="post" action=(action) enctype="multipart/form-data" data-enhance {
                    (page.once())
                    input type="hidden" name="visible" value=(visible);
                    @let key = if visible { "answer" } else { "note" };
                    @if visible && by_mail {
                        (recipients(page, view, typed.to.clone().filter(|_| refused)))
                    }
                    div.field { label for=(format!("subject-{key}")) { (t.subject) } input id=(format!("subject-{key}")) name="subject" value=(subject); }
                    div.field { label for=(format!("body-{key}")) { (t.message) } textarea id=(format!("body-{key}")) name="article" required { (body) } }
                    @if view.sight == Sight::Agent { (forms::minutes(page, &format!("minutes-{key}"), false, if refused { typed } else { &none })) }
                    div.field { label for=(format!("files-{key}")) { (t.attachments) } input id=(format!("files-{key}")) type="file" name="files" multiple; }
                    div.buttons { button.primary { (t.send) } }
                }
            }
        }
        @if !refused.is_empty() {
            details.why { summary { (t.why_not) }
                ul { @for (action, reasons) in refused { li {
                    strong { (if *action == "answer" { t.answer } else { t.write_note }) } ": "
                    @for (i, r) in reasons.iter().enumerate() { @if i > 0 { " · " } (forms::reason(page, r)) }
                } } }
            }
        }
    }
}

fn kinds_of(view: &TicketView) -> usize {
    if view.sight == Sight::Customer { 1 } else { 2 }
}

/// Attributes and fields; agents with the rights change them here.
fn details(page: &Page, view: &TicketView, choices: &Choices, typed: &Typed) -> Markup {
    let (t, names) = (page.t, &page.model.names);
    let ticket = &view.snapshot.ticket;
    let none = || t.nobody.to_owned();
    let person = |l: &Option<Login>| l.as_ref().map_or_else(none, |l| widgets::person_name(page, l));
    let may = |right: Right| view.sight == Sight::Agent && rights::require(names, &page.who.person, ticket, right).is_ok();
    let fields: Vec<(&str, &Json)> = match names.types.get(&ticket.ticket_type) {
        // Who sees the ticket only for its work sees there what the work shows.
        Some(ty) if view.sight != Sight::Work => {
            ty.fields.iter().filter_map(|f| ticket.fields.get(f.field.as_str()).map(|v| (f.field.as_str(), v))).collect()
        }
        _ => vec![],
    };
    let action = format!("{}/patch", page.ticket_url(&ticket.number));
    let mut editable: Vec<(&str, Json)> = vec![];
    if may(Right::Rw) {
        editable.push(("title", ticket.title.clone().into()));
        editable.push(("state", ticket.state.clone().into()));
        editable.push(("queue", ticket.queue.clone().into()));
        if names.types.len() > 1 {
            editable.push(("type", ticket.ticket_type.clone().into()));
        }
    }
    if may(Right::Priority) {
        editable.push(("priority", ticket.priority.clone().into()));
    }
    if may(Right::Owner) {
        editable.push(("owner", ticket.owner.clone().into()));
        editable.push(("lock", ticket.lock().into()));
        editable.push(("responsible", ticket.responsible.clone().into()));
    }
    let own: Vec<&str> =
        names.types.get(&ticket.ticket_type).map(|ty| ty.fields.iter().map(|f| f.field.as_str()).collect()).unwrap_or_default();
    let is_file = |n: &str| names.fields.get(n).is_some_and(|f| f.field_type == vorgang_definitions::kinds::field::FieldType::File);
    if may(Right::Rw) {
        editable.extend(own.iter().filter(|n| !is_file(n)).map(|n| (*n, ticket.fields.get(*n).cloned().unwrap_or_default())));
    }
    let hidden = |name: &str| matches!(choices.shapes.get(name), Some(Shape::Hidden(_)));
    let live = !page.model.acls.is_empty();
    html! {
        section.card {
            h2 { (t.details) }
            dl.facts {
                dt { (t.state) } dd { (widgets::word(page.model, "state", &ticket.state, page.language())) }
                dt { (t.priority) } dd { (widgets::priority_tag(page.model, &ticket.priority, page.language())) }
                @if page.is_agent() {
                    dt { (t.owner) } dd { (person(&ticket.owner)) @if ticket.owner.is_some() && !ticket.lock() { " " span.tag { (t.unlocked) } } }
                    @if ticket.responsible.is_some() { dt { (t.responsible) } dd { (person(&ticket.responsible)) } }
                }
                dt { (t.customer) } dd { (person(&ticket.customer_user)) @if let Some(c) = &ticket.customer { " (" (c) ")" } }
                @if let Some(until) = ticket.pending_until { dt { (t.pending_until) } dd { (widgets::time(page, until)) } }
                @for (name, value) in &fields {
                    dt { (widgets::label(page, name)) }
                    dd { @if let Some(blob) = value.get("blob").and_then(Json::as_str) {
                        a href=(format!("{}/files/{blob}", page.ticket_url(&ticket.number))) download { (widgets::stored_value(page, name, value)) }
                    } @else { (widgets::stored_value(page, name, value)) } }
                }
                @if page.is_agent() && !view.snapshot.watchers.is_empty() {
                    @let watchers: Vec<String> = view.snapshot.watchers.iter().map(|w| widgets::person_name(page, w)).collect();
                    dt { (t.watchers) } dd { (watchers.join(", ")) }
                }
                @if page.is_agent() && ticket.accounted != 0 { dt { (t.accounted) } dd { (widgets::duration(ticket.accounted)) } }
                dt { (t.updated) } dd { (widgets::time(page, ticket.updated)) }
            }
            @let watches = view.snapshot.watchers.contains(&page.who.person.login);
            @if watches || choices.may("watch") {
                form method="post" action=(format!("{}/watch", page.ticket_url(&ticket.number))) data-enhance {
                    (page.csrf())
                    input type="hidden" name="watch" value=(!watches);
                    div.buttons { button { (if watches { t.unwatch } else { t.watch }) } }
                }
            }
        }
        @if !editable.is_empty() {
            @let wrong = typed.work.is_none() && !typed.values.is_empty();
            details.card open[wrong] { summary { (t.change) } br;
                form method="post" action=(action) data-enhance data-redraw=[live.then_some("details")] {
                    (page.csrf())
                    input type="hidden" name="seen" value=(view.snapshot.version);
                    @for (name, value) in editable.iter().filter(|(n, _)| !hidden(n)) {
                        (forms::input(page, shaped(choices, name, matches!(*name, "title" | "state" | "queue" | "type" | "priority" | "lock"), value), typed))
                    }
                    div.buttons { button.primary { (t.save) } @if live { (forms::redraw(page)) } }
                }
            }
        }
    }
}

/// A field of the ticket as ACLs leave it.
fn shaped<'a>(choices: &'a Choices, name: &'a str, always: bool, value: &'a Json) -> Input<'a> {
    let shape = choices.shapes.get(name);
    let kept = match shape {
        Some(Shape::ReadOnly(denied)) => Some(denied),
        _ => None,
    };
    let required = always || matches!(shape, Some(Shape::Required(_)));
    Input { name, required, value, choice: choices.choice(name), kept }
}

/// The answer to a form: on to the ticket that it made or changed, or the form again with the reason why it was refused.
pub async fn answer_form(
    (app, who, id): (&App, &Who, &RequestId),
    done: Result<(TicketNumber, Option<Remark>), Error>,
    typed: Typed,
    again: impl AsyncFnOnce(Typed, StatusCode) -> Response,
) -> Response {
    match done {
        Ok((number, notice)) => after_change(app, who, id, &number, notice).await,
        // There is no form of what the person may not see.
        Err(Error::Rejected(r)) if r != Rejection::NotFound => {
            let status = problem::status(&r);
            again(Typed { rejection: Some(r), ..typed }, status).await
        }
        Err(e) => failed(e, id),
    }
}

/// A form on the page of a ticket.
pub async fn run_command(
    app: &App,
    who: &Who,
    id: &RequestId,
    number: &str,
    command: Command,
    typed: Typed,
    once: Option<Once>,
) -> Response {
    let request = Request { actor: &who.person, ticket: Some(number), command, cause: "portal", at: None };
    let done = execute(app, request, once).await;
    let again = async |typed, status| draw(app, who, id, number, typed, None, status).await;
    answer_form((app, who, id), done, typed, again).await
}

pub async fn submit(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path((number, work)): Path<(String, WorkId)>,
    data: FormData,
) -> Response {
    let (once, redraw) = (data.once(), data.get("redraw").is_some());
    let pile = data.get("pile").map(str::to_owned);
    let minutes = data.get("minutes").unwrap_or_default().to_owned();
    let mut form = data.dialog();
    if form.article.as_ref().is_some_and(|a| a.body.is_empty() && a.attachments.is_empty() && a.minutes.is_none()) {
        form.article = None;
    }
    let typed = Typed {
        work: Some(work),
        dialog: form.dialog.clone(),
        values: form.values.clone(),
        article: form.article.as_ref().map(|a| a.body.clone()).unwrap_or_default(),
        minutes,
        pile: pile.is_some(),
        ..Typed::default()
    };
    if redraw {
        return draw(&app, &who, &id, &number, typed, None, StatusCode::OK).await;
    }
    let done = run_command(&app, &who, &id, &number, Command::SubmitDialog(SubmitDialog { work, form }), typed, once).await;
    match pile {
        Some(pile) if done.status().is_redirection() => match next_of(&app, &who, &pile).await {
            Some(next) => Redirect::to(&format!("/agent/tickets/{next}?pile=on")).into_response(),
            None => done,
        },
        _ => done,
    }
}

/// The next ticket with work of this kind (`process.activity`) for this person: piled execution.
async fn next_of(app: &App, who: &Who, pile: &str) -> Option<TicketNumber> {
    let rows = app.desk.work(&who.person, false, 200).await.ok()?;
    rows.into_iter().find(|r| format!("{}.{}", r.process, r.item.activity) == pile).map(|r| r.ticket.number)
}

pub async fn claim(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path((number, work)): Path<(String, WorkId)>,
    _: FormData,
) -> Response {
    run_command(&app, &who, &id, &number, Command::ClaimWork(ClaimWork { work }), Typed::default(), None).await
}

pub async fn release(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path((number, work)): Path<(String, WorkId)>,
    _: FormData,
) -> Response {
    run_command(&app, &who, &id, &number, Command::ReleaseWork(ReleaseWork { work }), Typed::default(), None).await
}

pub async fn watch(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
    data: FormData,
) -> Response {
    let watch = data.get("watch") == Some("true");
    run_command(&app, &who, &id, &number, Command::WatchTicket(WatchTicket { watch }), Typed::default(), None).await
}

pub async fn article(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
    data: FormData,
) -> Response {
    let (once, minutes) = (data.once(), data.get("minutes").unwrap_or_default().to_owned());
    let to = address::parse_all(data.get("to").into_iter().chain(data.all("also")));
    let cc = address::parse(data.get("cc").unwrap_or_default());
    let mut article: ArticleInput = data.dialog().article.unwrap_or_default();
    if !to.is_empty() || !cc.is_empty() {
        article.mail = Some(MailInput { to: to.clone(), cc: cc.clone() });
    }
    let typed = Typed {
        article: article.body.clone(),
        subject: article.subject.clone(),
        visible: Some(article.visible),
        to: Some((address::list(&to), address::list(&cc))),
        minutes,
        ..Typed::default()
    };
    run_command(&app, &who, &id, &number, Command::AddArticle(AddArticle { article }), typed, once).await
}

/// Only what the person changed is sent on: the form shows everything.
pub async fn patch(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
    data: FormData,
) -> Response {
    let seen = data.get("seen").and_then(|v| v.parse().ok());
    let values = data.values();
    let typed = Typed { values: values.clone(), ..Typed::default() };
    if data.get("redraw").is_some() {
        return draw(&app, &who, &id, &number, typed, None, StatusCode::OK).await;
    }
    let before: BTreeMap<String, Json> = match app.desk.form_values(&who.person, &number, seen, values.keys()).await {
        Ok(before) => before,
        Err(e) => return failed(e, &id),
    };
    let values = values.into_iter().filter(|(name, value)| before.get(name).is_none_or(|b| !same_input(b, value))).collect();
    run_command(&app, &who, &id, &number, Command::PatchTicket(PatchTicket { values, seen, expected: None, blobs: vec![] }), typed, None)
        .await
}

/// What was drawn and what came back, apart from how browsers write it.
fn same_input(drawn: &Json, sent: &Json) -> bool {
    let text = |j: &Json| match j {
        Json::Null => String::new(),
        Json::String(s) => s.replace("\r\n", "\n").replace(',', "."),
        Json::Bool(b) => b.to_string(),
        Json::Array(a) if a.is_empty() => String::new(),
        other => other.to_string(),
    };
    text(drawn) == text(sent)
}

/// Files are always downloads: nothing of a ticket is ever shown as a page of ours.
pub async fn file(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path((number, blob)): Path<(String, String)>,
) -> Response {
    match app.desk.attachment(&who.person, &number, &blob).await {
        Ok((name, _, bytes)) => download(&name, bytes),
        Err(e) => failed(e, &id),
    }
}
