//! What is under way in an instance, and what it waits for: for agents, who see it beside the drawing.

use crate::execution::context::Context;
use crate::execution::run::Run;
use crate::net::voters;
use crate::state::ids::Seq;
use crate::state::message::Datum;
use crate::state::snapshot::{Item, Snapshot, Waits, WorkItem, WorkStatus};
use vorgang_definitions::kinds::process::{Activity, Process};
use vorgang_definitions::model::Model;

/// An open work item. Copies stand after the token whose copies they are.
#[derive(Debug, Clone)]
pub struct OpenItem {
    pub activity: String,
    pub status: WorkStatus,
    pub claimed_by: Option<String>,
    /// Of a copy: its element, as people read it.
    pub element: Option<String>,
    /// Of one with copies: those that have ended, each with what people read of its element.
    pub ended: Vec<(String, Item)>,
    /// (person, what was voted)
    pub votes: Vec<(String, String)>,
    /// Who may still vote.
    pub voters: Vec<String>,
    /// What keeps it closed.
    pub closed: Option<Closed>,
    /// Messages that its handlers wait for.
    pub messages: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// Other branches have not come yet.
    Join,
    /// Its `while` does not hold.
    Condition(String),
    /// Another ticket, or another instance, holds the mutex of the site.
    Site { mutex: String, key: String, ticket: Option<String> },
    /// Another activity holds the mutex; who does it, where somebody does.
    Mutex { mutex: String, activity: String, by: Option<String> },
}

pub fn open(model: &Model, snapshot: &Snapshot, ctx: &Context, instance: Seq) -> Vec<OpenItem> {
    let run = Run::new(model, snapshot.clone(), Some(&snapshot.ticket), ctx);
    let Some(process) = run.process_of(instance) else { return vec![] };
    snapshot.open_work().filter(|w| w.instance == instance).filter_map(|w| one(&run, &process.def, w)).collect()
}

fn one(run: &Run, process: &Process, item: &WorkItem) -> Option<OpenItem> {
    let activity = process.activities.get(&item.activity)?;
    let title = |element: &Datum| element_title(run.model, activity, &element.to_string(), &run.ctx.actor.language);
    let ended = item.more.as_ref().map(|m| m.items.iter().map(|i| (title(&i.element), i.clone())).collect()).unwrap_or_default();
    let votes: Vec<(String, String)> =
        run.snapshot.votes.iter().filter(|v| v.work == item.seq).map(|v| (v.person.clone(), v.outcome.clone())).collect();
    let asked = activity.approval.as_ref().filter(|_| matches!(item.status, WorkStatus::Offered | WorkStatus::Started));
    let mut voters = asked.map(|a| voters::voters(run, item, a)).unwrap_or_default();
    voters.retain(|login| !votes.iter().any(|(person, _)| person == login));
    Some(OpenItem {
        activity: item.activity.clone(),
        status: item.status,
        claimed_by: item.claimed_by.clone(),
        element: item.copy().map(|c| title(&c.element)),
        ended,
        votes,
        voters,
        closed: closed(run, activity, item),
        messages: activity.handlers.iter().flat_map(|h| h.on.iter()).filter_map(|e| e.message()).map(str::to_owned).collect(),
    })
}

fn closed(run: &Run, activity: &Activity, item: &WorkItem) -> Option<Closed> {
    let waits = item.more.as_ref().and_then(|m| m.waits.as_ref());
    match (item.status, waits) {
        (WorkStatus::Waiting, None) => Some(Closed::Join),
        (_, Some(Waits::Condition)) => {
            Some(Closed::Condition(activity.while_.as_ref().map_or(String::new(), |w| w.text.trim().to_owned())))
        }
        (WorkStatus::Waiting | WorkStatus::Offered, _) => {
            let here = run.held_by(item).map(|(mutex, holder)| Closed::Mutex { mutex, activity: holder.activity, by: holder.claimed_by });
            let site = || run.kept_by_site(item);
            here.or_else(|| site().map(|(held, by)| Closed::Site { mutex: held.name, key: held.key, ticket: by.elsewhere() }))
        }
        _ => None,
    }
}

/// What people read of an element: where the list is a field of choices, its option.
pub fn element_title(model: &Model, activity: &Activity, element: &str, language: &str) -> String {
    let listed = activity.for_each.as_ref().and_then(|f| f.list.as_ref()).and_then(|list| match list {
        vorgang_definitions::value_expr::ValueExpr::Expr(e) => e.compiled(),
        vorgang_definitions::value_expr::ValueExpr::Literal(_) => None,
    });
    let fields = listed.into_iter().flat_map(|p| p.reads.iter()).filter_map(|path| path.strip_prefix("ticket.fields."));
    let option = fields.filter_map(|name| model.names.fields.get(name)?.options.get(element)).next();
    option.map_or_else(|| element.to_owned(), |t| t.get(language, model.names.site.main_language()).to_owned())
}

/// What people call the work: the activity, and of a copy its element.
pub fn title(model: &Model, process: &Process, item: &WorkItem, language: &str) -> String {
    let Some(activity) = process.activities.get(&item.activity) else { return item.activity.clone() };
    of_copy(model, activity, item, model.title(activity.title.as_ref(), &item.activity, language), language)
}

/// What is done for a copy says for which one.
pub fn of_copy(model: &Model, activity: &Activity, item: &WorkItem, title: &str, language: &str) -> String {
    match item.copy() {
        Some(copy) => format!("{title}: {}", element_title(model, activity, &copy.element.to_string(), language)),
        None => title.to_owned(),
    }
}
