//! What is under way in an instance, and what it waits for: for agents, who see it beside the drawing.

use crate::execution::context::Context;
use crate::execution::facts::{LookUp, LookUps};
use crate::execution::run::Run;
use crate::net::voters;
use crate::state::ids::{InstanceId, Login, TicketNumber};
use crate::state::message::Datum;
use crate::state::snapshot::{Item, Snapshot, Waits, WorkItem, WorkStatus};
use vorgang_definitions::kinds::process::{Activity, Process};
use vorgang_definitions::model::Model;

/// An open work item. Copies stand after the token whose copies they are.
#[derive(Debug, Clone)]
pub struct OpenItem {
    pub activity: String,
    pub status: WorkStatus,
    pub claimed_by: Option<Login>,
    /// Of a copy: its element, as people read it.
    pub element: Option<String>,
    /// Of one with copies: those that have ended, each with what people read of its element.
    pub ended: Vec<(String, Item)>,
    /// (person, what was voted)
    pub votes: Vec<(Login, String)>,
    /// Who may still vote.
    pub voters: Vec<Login>,
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
    Site { mutex: String, key: String, ticket: Option<TicketNumber> },
    /// Another activity holds the mutex; who does it, where somebody does.
    Mutex { mutex: String, activity: String, by: Option<Login> },
}

/// The open work of one instance; the questions where a fact is missing.
pub fn open(model: &Model, snapshot: &Snapshot, ctx: &Context, instance: InstanceId) -> Result<Vec<OpenItem>, LookUps> {
    let run = Run::new(model, snapshot.clone(), Some(&snapshot.ticket), ctx);
    let Some(process) = run.process_of(instance) else { return Ok(vec![]) };
    let (mut open, mut needs) = (vec![], LookUps::new());
    for item in snapshot.open_work().filter(|w| w.instance == instance) {
        let Some(activity) = process.def.activities.get(&item.activity) else { continue };
        match closed(&run, activity, item) {
            Ok(closed) => open.push(open_item(&run, activity, item, closed)),
            Err(look_up) => drop(needs.insert(look_up)),
        }
    }
    if needs.is_empty() { Ok(open) } else { Err(needs) }
}

fn open_item(run: &Run, activity: &Activity, item: &WorkItem, closed: Option<Closed>) -> OpenItem {
    let title = |element: &Datum| element_title(run.model, activity, &element.to_string(), &run.ctx.actor.language);
    let ended = item.more.as_ref().map(|m| m.items.iter().map(|i| (title(&i.element), i.clone())).collect()).unwrap_or_default();
    let votes: Vec<(Login, String)> =
        run.snapshot.votes.iter().filter(|v| v.work == item.seq).map(|v| (v.person.clone(), v.outcome.clone())).collect();
    let asked = activity.approval.as_ref().filter(|_| matches!(item.status, WorkStatus::Offered | WorkStatus::Started));
    let mut voters = asked.map(|a| voters::voters(run, item, a)).unwrap_or_default();
    voters.retain(|login| !votes.iter().any(|(person, _)| person == login));
    OpenItem {
        activity: item.activity.clone(),
        status: item.status,
        claimed_by: item.claimed_by.clone(),
        element: item.copy().map(|c| title(&c.element)),
        ended,
        votes,
        voters,
        closed,
        messages: activity.handlers.iter().flat_map(|h| h.on.iter()).filter_map(|e| e.message()).map(str::to_owned).collect(),
    }
}

fn closed(run: &Run, activity: &Activity, item: &WorkItem) -> Result<Option<Closed>, LookUp> {
    let waits = item.more.as_ref().and_then(|m| m.waits.as_ref());
    Ok(match (item.status, waits) {
        (WorkStatus::Waiting, None) => Some(Closed::Join),
        (_, Some(Waits::Condition)) => {
            Some(Closed::Condition(activity.while_.as_ref().map_or(String::new(), |w| w.text().trim().to_owned())))
        }
        (WorkStatus::Waiting | WorkStatus::Offered, _) => {
            let here = run.held_by(item).map(|(mutex, holder)| Closed::Mutex { mutex, activity: holder.activity, by: holder.claimed_by });
            if here.is_some() {
                return Ok(here);
            }
            let site = run.kept_by_site(item)?;
            site.map(|(held, by)| Closed::Site { mutex: held.name, key: held.key, ticket: by.elsewhere() })
        }
        _ => None,
    })
}

/// What people read of an element: where the list is a field of choices, its option.
pub fn element_title(model: &Model, activity: &Activity, element: &str, language: &str) -> String {
    let listed = activity.for_each.as_ref().and_then(|f| f.list.as_ref()).and_then(|list| match list {
        vorgang_definitions::value_expr::ValueExpr::Expr(e) => Some(e.program()),
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
