//! What is under way in a process, beside its drawing: copies, votes, and what keeps something closed. For agents.

use crate::layout::Page;
use crate::widgets::{outcome_text, person_name, time};
use maud::{Markup, html};
use vorgang_core::ids::Login;
use vorgang_core::open::{Closed, OpenItem};
use vorgang_core::snapshot::WorkStatus;
use vorgang_definitions::kinds::process::Process;

/// The lines of one activity; nothing where there is nothing to say beside its mark.
pub fn lines(page: &Page, process: &Process, activity: &str, items: &[OpenItem]) -> Markup {
    let here: Vec<&OpenItem> = items.iter().filter(|i| i.activity == activity).collect();
    let says = |i: &&&OpenItem| {
        i.element.is_some()
            || !i.ended.is_empty()
            || !i.votes.is_empty()
            || !i.voters.is_empty()
            || i.closed.is_some()
            || !i.messages.is_empty()
    };
    if !here.iter().any(|i| says(&i)) && here.len() < 2 {
        return html! {};
    }
    html! {
        ul.open { @for item in here.iter().filter(|i| says(i) || here.len() > 1) { (activity_lines(page, process, item)) } }
    }
}

fn activity_lines(page: &Page, process: &Process, item: &OpenItem) -> Markup {
    let t = page.t;
    let named = |logins: &[Login]| logins.iter().map(|l| person_name(page, l)).collect::<Vec<_>>().join(", ");
    let title = |activity: &str| {
        let of = process.activities.get(activity).and_then(|a| a.title.as_ref());
        page.model.title(of, activity, page.language()).to_owned()
    };
    html! {
        @for (element, ended) in &item.ended {
            li.done { strong { (element) } " "
                @match &ended.outcome {
                    Some(outcome) => { span.quiet { (outcome_word(page, process, &item.activity, outcome))
                        @if let Some(by) = &ended.by { " · " (person_name(page, by)) } @if let Some(at) = ended.at { " · " (time(page, at)) } } }
                    None => { span.quiet { (t.mark_current) } }
                }
            }
        }
        @if item.status != WorkStatus::Running || item.element.is_some() {
            li {
                @if let Some(element) = &item.element { strong { (element) } " " }
                @match &item.closed {
                    Some(Closed::Join) => { (t.waits_for_branches) }
                    Some(Closed::Condition(condition)) => { (t.waits_while) " " code { (condition) } }
                    Some(Closed::Site { mutex, key, ticket }) => { (t.one_at_a_time) ": " code { (mutex) " " (key) }
                        @if let Some(ticket) = ticket { " (" a href=(page.ticket_url(ticket)) { (ticket) } ")" } }
                    Some(Closed::Mutex { activity, by, .. }) => { (t.one_at_a_time) ": " (title(activity)) @if let Some(by) = by { " (" (person_name(page, by)) ")" } }
                    None => { @if item.element.is_some() || item.claimed_by.is_some() { span.quiet { (t.mark_current) } } }
                }
                @if let Some(by) = &item.claimed_by { " " span.quiet { (t.claimed_by) " " (person_name(page, by)) } }
                @if !item.votes.is_empty() || !item.voters.is_empty() {
                    " " (t.voted) ": "
                    @if item.votes.is_empty() { (t.nobody) }
                    @for (i, (person, outcome)) in item.votes.iter().enumerate() { @if i > 0 { ", " } (person_name(page, person)) " (" (outcome_word(page, process, &item.activity, outcome)) ")" }
                    @if !item.voters.is_empty() { "; " (t.may_vote) ": " (named(&item.voters)) }
                }
                @if !item.messages.is_empty() { " " (t.waits_for_message) " " code { (item.messages.join(", ")) } }
            }
        }
    }
}

/// What people call an outcome; one that says nothing of its own is that it is done.
fn outcome_word(page: &Page, process: &Process, activity: &str, outcome: &str) -> String {
    Some(outcome_text(page, process, activity, outcome)).filter(|t| !t.is_empty()).unwrap_or_else(|| page.t.mark_done.into())
}
