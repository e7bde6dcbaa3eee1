//! What a person is offered: the forms of the open work, as pages and the API show them. Decided by the same
//! functions that decide a submission, so that what is offered can be done.

use super::create::{begin_process, first_form_is_for, start_for};
use super::form;
use super::run::Run;
use super::submit::{self, APPROVAL};
use crate::command::Context;
use crate::rejection::Rejection;
use crate::snapshot::{Seq, Snapshot, TimerKind, WorkItem, WorkStatus};
use jiff::Timestamp;
use serde_json::Value as Json;
use vorgang_definitions::kinds::process::{Activity, FormField, Outcome, Style};
use vorgang_definitions::model::Model;
use vorgang_definitions::values::Slot;

/// A work item that this person may act on.
#[derive(Debug, Clone)]
pub struct OfferedWork {
    pub item: WorkItem,
    pub process: String,
    pub title: String,
    pub forms: Vec<OfferedForm>,
    /// Somebody has to claim it first.
    pub must_claim: bool,
    /// When its time is up.
    pub due: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub struct OfferedForm {
    pub dialog: String,
    pub title: String,
    /// Names with the stored values that are shown.
    pub show: Vec<(String, Json)>,
    pub fields: Vec<OfferedField>,
    pub article: Option<OfferedArticle>,
    pub outcomes: Vec<OfferedOutcome>,
}

#[derive(Debug, Clone)]
pub struct OfferedField {
    pub name: String,
    pub required: bool,
    /// In stored form.
    pub value: Json,
}

#[derive(Debug, Clone)]
pub struct OfferedArticle {
    pub required: bool,
    pub visible: bool,
}

#[derive(Debug, Clone)]
pub struct OfferedOutcome {
    pub name: String,
    pub title: String,
    pub confirm: Option<String>,
    pub style: Option<Style>,
}

/// All open work on the ticket that this person may act on.
pub fn offered(model: &Model, snapshot: &Snapshot, ctx: &Context) -> Vec<OfferedWork> {
    let run = Run::new(model, snapshot.clone(), Some(&snapshot.ticket), ctx);
    let open = snapshot.open_work().filter(|w| matches!(w.status, WorkStatus::Offered | WorkStatus::Started));
    open.filter_map(|item| one(&run, item)).collect()
}

/// The first form of a process that this person may start; `None` where it starts without one.
pub fn start_form(model: &Model, process: &str, ctx: &Context) -> Result<Option<OfferedWork>, Rejection> {
    let (mut run, work) = begin_process(model, process, ctx)?;
    run.rest();
    let item = run.snapshot.item(work).cloned();
    let form = item.as_ref().is_some_and(|w| w.status.is_open() && first_form_is_for(&run, w));
    if !form && ctx.actor.kind == crate::people::PersonKind::Agent {
        crate::rights::require(&model.names, ctx.actor, &run.snapshot.ticket, vorgang_definitions::kinds::role::Right::Create)?;
    }
    Ok(item.filter(|_| form).and_then(|item| one(&run, &item)))
}

/// The processes that this person may start.
pub fn catalogue(model: &Model, ctx: &Context) -> Vec<String> {
    let startable = |name: &&String| {
        let def = model.processes.get(*name).map(|p| &p.def);
        def.is_some_and(|d| start_for(d, ctx.actor.kind).is_some()) && start_form(model, name, ctx).is_ok()
    };
    model.processes.keys().filter(startable).cloned().collect()
}

fn one(run: &Run, item: &WorkItem) -> Option<OfferedWork> {
    let process = run.process_of(item.instance)?;
    let activity = process.def.activities.get(&item.activity)?;
    if item.claimed_by.as_ref().is_some_and(|by| *by != run.ctx.actor.login) {
        return None;
    }
    let language = &run.ctx.actor.language;
    let mut forms = vec![];
    let mut must_claim = false;
    for (name, dialog) in activity.dialogs.iter() {
        let there = dialog.when.as_ref().is_none_or(|w| run.holds(w, Some(item.instance), Some(item.seq)).unwrap_or(false));
        if !there || submit::may_use(run, item, activity, dialog, run.ctx.actor).is_err() {
            continue;
        }
        must_claim |= dialog.claim && item.claimed_by.is_none();
        let (fields, article) = fields(run, &dialog.fields, item);
        let outcomes = if dialog.outcomes.is_empty() {
            let title = if language.starts_with("de") { "Absenden" } else { "Submit" };
            vec![OfferedOutcome { name: "submit".into(), title: title.into(), confirm: None, style: Some(Style::Primary) }]
        } else {
            // What a form decides is offered until it has been filled in.
            let there = |o: &Outcome| form::holds_in(run, &run.snapshot, o.when.as_ref(), Some(item.instance), Some(item.seq), true);
            let offered = dialog.outcomes.iter().filter(|(_, o)| there(o));
            let site = run.model.names.site.main_language();
            offered
                .map(|(n, o)| OfferedOutcome {
                    name: n.to_string(),
                    title: o.title.get(language, site).to_owned(),
                    confirm: o.confirm.as_ref().map(|c| c.get(language, site).to_owned()),
                    style: o.style,
                })
                .collect()
        };
        let title = run.model.title(dialog.title.as_ref(), name, language).to_owned();
        forms.push(OfferedForm { dialog: name.to_string(), title, show: shown(run, &dialog.show), fields, article, outcomes });
    }
    if let Some(approval) = &activity.approval
        && submit::may_vote(run, item, approval, run.ctx.actor).is_ok()
    {
        let (fields, article) = fields(run, &approval.fields, item);
        let german = language.starts_with("de");
        let outcome = |name: &str, en: &str, de: &str, style| OfferedOutcome {
            name: name.into(),
            title: if german { de.into() } else { en.into() },
            confirm: None,
            style: Some(style),
        };
        let outcomes =
            vec![outcome("approve", "Approve", "Freigeben", Style::Primary), outcome("reject", "Reject", "Ablehnen", Style::Danger)];
        let title = run.model.title(approval.title.as_ref().or(activity.title.as_ref()), &item.activity, language).to_owned();
        forms.push(OfferedForm { dialog: APPROVAL.into(), title, show: shown(run, &approval.show), fields, article, outcomes });
    }
    if forms.is_empty() {
        return None;
    }
    let title = run.model.title(activity.title.as_ref(), &item.activity, language).to_owned();
    let due = due(&run.snapshot, activity, item.seq);
    Some(OfferedWork { item: item.clone(), process: process.def.name.to_string(), title, forms, must_claim, due })
}

/// When the work item's time is up: its approval's, or that of the first timer that ends it.
pub fn due(snapshot: &Snapshot, activity: &Activity, work: Seq) -> Option<Timestamp> {
    let ends = |kind: TimerKind| match kind {
        TimerKind::Within => true,
        TimerKind::Activity { index } => activity.timers.get(index).is_some_and(|t| t.next.is_some()),
        TimerKind::Pending => false,
    };
    snapshot.timers.iter().filter(|t| t.work == Some(work) && ends(t.kind)).map(|t| t.due).min()
}

fn shown(run: &Run, names: &[vorgang_definitions::name::Name]) -> Vec<(String, Json)> {
    let slot = |n: &vorgang_definitions::name::Name| Slot::find(&run.model.names, n).map(|s| (n.to_string(), form::current(run, &s)));
    names.iter().filter_map(slot).collect()
}

fn fields(run: &Run, fields: &[FormField], item: &WorkItem) -> (Vec<OfferedField>, Option<OfferedArticle>) {
    let (instance, work) = (Some(item.instance), Some(item.seq));
    let mut offered = vec![];
    let mut article = None;
    for field in form::present(run, fields, &run.snapshot, instance, work) {
        if let Some(a) = &field.article {
            article = Some(OfferedArticle { required: a.required, visible: a.visible.unwrap_or(true) });
        }
        let Some(name) = &field.field else { continue };
        let Some(slot) = Slot::find(&run.model.names, name) else { continue };
        let now = form::current(run, &slot);
        let value = if now.is_null() { form::default(run, field, &slot, instance, work).map_or(now, |c| c.value) } else { now };
        offered.push(OfferedField { name: name.to_string(), required: field.required || slot.always_set(), value });
    }
    (offered, article)
}
