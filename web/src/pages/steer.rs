//! Work by hand: what people do with their own, and administrators with any.

use crate::extract::Path;
use crate::forms::Typed;
use crate::input::FormData;
use crate::layout::Page;
use crate::pages::ticket::run_command;
use crate::who::Who;
use crate::widgets::{self, outcome_text};
use crate::{App, RequestId};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use vorgang_core::commands::{Command, Hand, Steer};
use vorgang_core::ids::{InstanceId, Seq, WorkId};
use vorgang_core::offered::OfferedWork;
use vorgang_core::rights;
use vorgang_core::snapshot::{Instance, WorkItem, WorkStatus};
use vorgang_core::steer::{is_at_join, outcomes};
use vorgang_definitions::kinds::process::Process;
use vorgang_definitions::model::ProcessModel;
use vorgang_runtime::view::TicketView;

fn action(page: &Page, view: &TicketView) -> String {
    format!("{}/steer", page.ticket_url(&view.snapshot.ticket.number))
}

fn title(page: &Page, process: &Process, activity: &str) -> String {
    let of = process.activities.get(activity).and_then(|a| a.title.as_ref());
    page.model.title(of, activity, page.language()).to_owned()
}

/// Whoever has claimed the work may put it aside, or hand it over.
pub fn own(page: &Page, view: &TicketView, work: &OfferedWork) -> Markup {
    let t = page.t;
    let hidden = |hand: &str| html! { (page.csrf()) input type="hidden" name="work" value=(work.item.seq); input type="hidden" name="hand" value=(hand); };
    let id = |what: &str| format!("{what}-{}", work.item.seq);
    html! {
        details.more { summary { (t.hand_on) ": " (work.title) } br;
            form method="post" action=(action(page, view)) data-enhance { (hidden("suspend"))
                div.field { label for=(id("aside")) { (t.reason) } input id=(id("aside")) name="reason" required; }
                div.buttons { button { (t.put_aside) } }
            }
            @if !work.others.is_empty() {
                form method="post" action=(action(page, view)) data-enhance { (hidden("hand_over"))
                    (to(page, work))
                }
            }
        }
    }
}

/// Whoever may vote may give the vote to somebody else, where the approval says to whom.
pub fn vote(page: &Page, view: &TicketView, work: &OfferedWork) -> Markup {
    let t = page.t;
    html! {
        details.more { summary { (t.delegate_vote) ": " (work.title) } br;
            form method="post" action=(action(page, view)) data-enhance { (page.csrf())
                input type="hidden" name="work" value=(work.item.seq); input type="hidden" name="hand" value="hand_over";
                (to(page, work))
            }
        }
    }
}

fn to(page: &Page, work: &OfferedWork) -> Markup {
    let t = page.t;
    let id = format!("over-{}", work.item.seq);
    html! {
        div.field { label for=(id) { (t.hand_over_to) } select id=(id) name="to" {
            @for login in &work.others { option value=(login) { (widgets::person_name(page, login)) } } } }
        div.buttons { button { (t.hand_over) } }
    }
}

/// What was put aside, for whoever may take it up again.
pub fn aside(page: &Page, view: &TicketView) -> Markup {
    let t = page.t;
    let admin = rights::is_admin(&page.model.names, &page.who.person);
    let mine = |w: &&WorkItem| w.status == WorkStatus::Suspended && (admin || w.claimed_by.as_ref() == Some(&page.who.person.login));
    html! {
        @for item in view.snapshot.open_work().filter(mine) {
            @if let Some(process) = process_of(page, view, item.instance) {
                div.card { p { strong { (title(page, &process.def, &item.activity)) } " " span.tag { (t.aside) } }
                    form method="post" action=(action(page, view)) data-enhance { (page.csrf())
                        input type="hidden" name="work" value=(item.seq); input type="hidden" name="hand" value="resume";
                        div.buttons { button.primary { (t.take_up) } }
                    }
                }
            }
        }
    }
}

fn process_of<'p>(page: &'p Page, view: &TicketView, instance: InstanceId) -> Option<&'p ProcessModel> {
    view.snapshot.instance(instance).and_then(|i| page.model.process_by_hash(&i.hash)).map(AsRef::as_ref)
}

/// For administrators: every open work item of an instance, and what was done.
pub fn by_hand(page: &Page, view: &TicketView, instance: &Instance) -> Markup {
    let t = page.t;
    let Some(process) = page.model.process_by_hash(&instance.hash) else { return html! {} };
    if instance.outcome.is_some() || !rights::is_admin(&page.model.names, &page.who.person) {
        return html! {};
    }
    let open: Vec<&WorkItem> = view.snapshot.open_work().filter(|w| w.instance == instance.seq).collect();
    let is_open = |activity: &str| open.iter().any(|w| w.activity == activity);
    let done: Vec<&str> =
        view.steps.iter().filter(|s| s.instance == instance.seq && !is_open(&s.activity)).map(|s| s.activity.as_str()).collect();
    html! {
        details.card.by-hand { summary { (t.hand_work) ": " (page.model.title(process.def.title.as_ref(), &process.def.name, page.language())) } br;
            @for item in &open { (item_forms(page, view, process, item)) }
            @if !done.is_empty() {
                @let id = format!("redo-{}", instance.seq);
                form method="post" action=(action(page, view)) data-enhance { (page.csrf())
                    input type="hidden" name="instance" value=(instance.seq); input type="hidden" name="hand" value="redo";
                    h3 { (t.hand_redo) }
                    div.field { label for=(id) { (t.step) } select id=(id) name="to" { @for name in &done { option value=(name) { (title(page, &process.def, name)) } } } }
                    (why(page, &format!("redo-{}", instance.seq), true))
                }
            }
        }
    }
}

fn item_forms(page: &Page, view: &TicketView, process: &ProcessModel, item: &WorkItem) -> Markup {
    let t = page.t;
    let name = |outcome: &str| {
        let text = outcome_text(page, &process.def, &item.activity, outcome);
        if text.is_empty() { t.mark_done.to_owned() } else { text }
    };
    let all = if is_at_join(item) { vec![] } else { outcomes(page.model, process, item) };
    let copy = item.copy().map(|c| c.element.to_string());
    let id = format!("hand-{}", item.seq);
    let workable = matches!(item.status, WorkStatus::Offered | WorkStatus::Started);
    html! {
        form method="post" action=(action(page, view)) data-enhance { (page.csrf())
            input type="hidden" name="work" value=(item.seq);
            h3 { (title(page, &process.def, &item.activity)) @if let Some(copy) = &copy { " " span.quiet { (copy) } }
                @if let Some(by) = &item.claimed_by { " " span.quiet { (t.claimed_by) " " (widgets::person_name(page, by)) } } }
            div.field { label for=(id) { (t.what) } select id=(id) name="hand" {
                @for outcome in &all { option value=(format!("complete:{outcome}")) { (t.hand_complete) ": " (name(outcome)) } }
                @if copy.is_none() {
                    @for outcome in &all { option value=(format!("skip:{outcome}")) { (t.hand_skip) ": " (name(outcome)) } }
                    @for to in process.def.activities.names() { option value=(format!("move:{to}")) { (t.hand_move) ": " (title(page, &process.def, to)) } }
                }
                @if workable { option value="suspend" { (t.put_aside) } }
                @if item.status == WorkStatus::Suspended { option value="resume" { (t.take_up) } }
                option value="cancel" { (t.hand_cancel) }
            } }
            (why(page, &id, copy.is_none()))
        }
    }
}

fn why(page: &Page, id: &str, anyway: bool) -> Markup {
    let t = page.t;
    html! {
        div.field { label for=(format!("{id}-why")) { (t.reason) } input id=(format!("{id}-why")) name="reason" required; }
        @if anyway { div.field { label { input type="checkbox" name="anyway" value="true"; " " (t.hand_anyway) } } }
        div.buttons { button { (t.do_it) } }
    }
}

pub async fn steer(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Extension(id): Extension<RequestId>,
    Path(number): Path<String>,
    data: FormData,
) -> Response {
    let text = |name: &str| data.get(name).unwrap_or_default().trim().to_owned();
    let number_of = |name: &str| data.get(name).and_then(|v| v.parse::<Seq>().ok());
    let chosen = text("hand");
    let (word, to) = chosen.split_once(':').map_or_else(|| (chosen.as_str(), text("to")), |(word, to)| (word, to.to_owned()));
    let hand = match (word, number_of("instance"), number_of("work")) {
        ("redo", Some(instance), _) => Some(Hand::Redo { instance: InstanceId(instance), activity: to }),
        (word, _, Some(work)) => Hand::of_work(word, WorkId(work), Some(to.clone()), Some(to)),
        _ => None,
    };
    // What was not chosen from the form is not there.
    let hand = hand.unwrap_or(Hand::Cancel { work: WorkId(0) });
    let steer = Steer { hand, reason: text("reason"), anyway: data.get("anyway") == Some("true") };
    run_command(&app, &who, &id, &number, Command::Steer(steer), Typed::default(), None).await
}
