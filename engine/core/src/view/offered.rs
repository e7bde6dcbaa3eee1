//! What a person is offered: the forms of the open work, as pages and the API show them. Decided by the same
//! functions that decide a submission, so that what is offered can be done.

use crate::commands::start_process::{begin_process, first_form_is_for, start_for};
use crate::commands::submit_dialog::{self, APPROVAL};
use crate::commands::{Form, form};
use crate::execution::ask;
use crate::execution::at::At;
use crate::execution::context::Context;
use crate::execution::run::Run;
use crate::net::{voters, workers};
use crate::rules::acl::Shape;
use crate::rules::denied::Denied;
use crate::rules::rejection::Rejection;
use crate::rules::{rights, slots};
use crate::state::ids::{Login, WorkId};
use crate::state::people::{Person, PersonKind};
use crate::state::snapshot::{Snapshot, WorkItem, WorkStatus};
use crate::state::timer::{Timer, TimerKind};
use crate::view::choices::{Choice, Choosing};
use crate::view::open::{self, of_copy};
use jiff::Timestamp;
use serde_json::Value as Json;
use vorgang_definitions::kinds::message::DataType;
use vorgang_definitions::kinds::process::{Activity, AskTime, FormField, Outcome, Style};
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
    /// Who else may do it, where this person has claimed it; to whom a vote may be given.
    pub others: Vec<Login>,
}

/// Whom one work item can be handed to, as far as they are shown.
const OTHERS_MAX: usize = 200;

#[derive(Debug, Clone)]
pub struct OfferedForm {
    pub dialog: String,
    pub title: String,
    /// Names with the stored values that are shown.
    pub show: Vec<(String, Json)>,
    pub fields: Vec<OfferedField>,
    pub article: Option<OfferedArticle>,
    pub outcomes: Vec<OfferedOutcome>,
    /// What stands in it changes what it offers.
    pub live: bool,
}

/// A form as it is filled in so far.
#[derive(Debug, Clone)]
pub struct Filling {
    pub work: WorkId,
    pub dialog: Option<String>,
    pub form: Form,
}

#[derive(Debug, Clone)]
pub struct OfferedField {
    pub name: String,
    pub required: bool,
    /// In stored form.
    pub value: Json,
    /// An ACL keeps it as it is, for this reason.
    pub kept: Option<Denied>,
    /// What may be chosen, where that is a closed set.
    pub choice: Option<Choice>,
    /// It is a value of the process or of a copy: its type, and what people read.
    pub own: Option<(DataType, String)>,
}

#[derive(Debug, Clone)]
pub struct OfferedArticle {
    pub required: bool,
    pub visible: bool,
    /// It asks for the minutes of work, and whether they must be said.
    pub time: Option<bool>,
}

#[derive(Debug, Clone)]
pub struct OfferedOutcome {
    pub name: String,
    pub title: String,
    pub confirm: Option<String>,
    pub style: Option<Style>,
}

/// All open work on the ticket that this person may act on.
pub fn offered(model: &Model, snapshot: &Snapshot, ctx: &Context, filling: Option<&Filling>) -> Vec<OfferedWork> {
    let run = Run::new(model, snapshot.clone(), Some(&snapshot.ticket), ctx);
    let open = snapshot.open_work().filter(|w| matches!(w.status, WorkStatus::Offered | WorkStatus::Started));
    open.filter_map(|item| offered_work(&run, item, filling)).collect()
}

/// The first form of a process that this person may start; `None` where it starts without one.
pub fn start_form(model: &Model, process: &str, ctx: &Context, filled: Option<&Form>) -> Result<Option<OfferedWork>, Rejection> {
    let (mut run, work) = begin_process(model, process, ctx)?;
    run.run_to_completion();
    let item = run.snapshot.item(work).cloned();
    let form = item.as_ref().is_some_and(|w| w.status.is_open() && first_form_is_for(&run, w));
    if !form && ctx.actor.kind == PersonKind::Agent {
        rights::require(&model.names, ctx.actor, &run.snapshot.ticket, vorgang_definitions::kinds::role::Right::Create)?;
    }
    let filling = filled.map(|f| Filling { work, dialog: f.dialog.clone(), form: f.clone() });
    Ok(item.filter(|_| form).and_then(|item| offered_work(&run, &item, filling.as_ref())))
}

/// The processes that this person may start.
pub fn catalogue(model: &Model, ctx: &Context) -> Vec<String> {
    let startable = |name: &&String| {
        let def = model.processes.get(*name).map(|p| &p.def);
        def.is_some_and(|d| start_for(d, ctx.actor.kind).is_some()) && start_form(model, name, ctx, None).is_ok()
    };
    model.processes.keys().filter(startable).cloned().collect()
}

fn offered_work(run: &Run, item: &WorkItem, filling: Option<&Filling>) -> Option<OfferedWork> {
    let process = run.process_of(item.instance)?;
    let activity = process.def.activities.get(&item.activity)?;
    if item.claimed_by.as_ref().is_some_and(|by| *by != run.ctx.actor.login) || submit_dialog::stands(run, item) {
        return None;
    }
    let language = &run.ctx.actor.language;
    let mut forms = vec![];
    let mut must_claim = false;
    for (name, dialog) in activity.dialogs.iter() {
        let there = dialog.when.as_ref().is_none_or(|w| run.holds(w, At::item(item)).unwrap_or(false));
        let mine = || workers::may_use(run, item, activity, dialog, run.ctx.actor).and_then(|()| submit_dialog::may_open(run, item, name));
        if !there || mine().is_err() {
            continue;
        }
        let trial = trial(run, &dialog.fields, item, name, filling);
        must_claim |= dialog.claim && item.claimed_by.is_none();
        let (fields, article) = fields(run, &dialog.fields, item, &trial);
        let outcomes = if dialog.outcomes.is_empty() {
            let title = if language.starts_with("de") { "Absenden" } else { "Submit" };
            vec![OfferedOutcome { name: "submit".into(), title: title.into(), confirm: None, style: Some(Style::Primary) }]
        } else {
            // What a form decides is offered until it has been filled in.
            let there = |o: &Outcome| form::holds_in(run, &trial, o.when.as_ref(), At::item(item), true);
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
        let title = of_copy(run.model, activity, item, run.model.title(dialog.title.as_ref(), name, language), language);
        let live = live(run, &dialog.fields) || dialog.outcomes.iter().any(|(_, o)| o.when.is_some());
        forms.push(OfferedForm { dialog: name.to_string(), title, show: shown(run, &dialog.show), fields, article, outcomes, live });
    }
    if let Some(approval) = &activity.approval
        && workers::may_vote(run, item, approval, run.ctx.actor).and_then(|()| submit_dialog::may_open(run, item, APPROVAL)).is_ok()
    {
        let trial = trial(run, &approval.fields, item, APPROVAL, filling);
        let (fields, article) = fields(run, &approval.fields, item, &trial);
        let german = language.starts_with("de");
        let outcome = |name: &str, en: &str, de: &str, style| OfferedOutcome {
            name: name.into(),
            title: if german { de.into() } else { en.into() },
            confirm: None,
            style: Some(style),
        };
        let outcomes =
            vec![outcome("approve", "Approve", "Freigeben", Style::Primary), outcome("reject", "Reject", "Ablehnen", Style::Danger)];
        let title = run.model.title(approval.title.as_ref().or(activity.title.as_ref()), &item.activity, language);
        let title = of_copy(run.model, activity, item, title, language);
        let live = live(run, &approval.fields);
        forms.push(OfferedForm { dialog: APPROVAL.into(), title, show: shown(run, &approval.show), fields, article, outcomes, live });
    }
    if forms.is_empty() {
        return None;
    }
    let title = open::title(run.model, &process.def, item, language);
    let due = due(&run.snapshot, activity, item.seq);
    let others = match &activity.approval {
        Some(approval) if activity.dialogs.is_empty() => voters::delegates(run, item, approval),
        _ if item.claimed_by.is_some() => others(run, item),
        _ => vec![],
    };
    Some(OfferedWork { item: item.clone(), process: process.def.name.to_string(), title, forms, must_claim, due, others })
}

/// Who else may do it.
fn others(run: &Run, item: &WorkItem) -> Vec<Login> {
    let other = |p: &&std::sync::Arc<Person>| p.active && p.login != run.ctx.actor.login && workers::may_work(run, item, p).is_ok();
    run.ctx.people.iter().filter(other).take(OTHERS_MAX).map(|p| p.login.clone()).collect()
}

/// When the work item's time is up: its approval's, or that of the first timer that ends it.
pub fn due(snapshot: &Snapshot, activity: &Activity, work: WorkId) -> Option<Timestamp> {
    let ends = |kind: &TimerKind| match kind {
        TimerKind::Within => true,
        TimerKind::Activity { index } => activity.timers.get(*index).is_some_and(|t| t.next.is_some()),
        TimerKind::Pending | TimerKind::Unlock | TimerKind::Group { .. } | TimerKind::Named { .. } => false,
    };
    snapshot.timers.iter().filter(|t| t.work == Some(work) && ends(&t.kind)).filter_map(Timer::fires).min()
}

fn shown(run: &Run, names: &[vorgang_definitions::name::Name]) -> Vec<(String, Json)> {
    let slot =
        |n: &vorgang_definitions::name::Name| Slot::find(&run.model.names, n).map(|s| (n.to_string(), slots::current(&run.snapshot, &s)));
    names.iter().filter_map(slot).collect()
}

/// The ticket with what stands in the form, where this is the form that is being filled in.
fn trial(run: &Run, fields: &[FormField], item: &WorkItem, dialog: &str, filling: Option<&Filling>) -> Snapshot {
    match filling.filter(|f| f.work == item.seq && f.dialog.as_deref().is_none_or(|d| d == dialog)) {
        Some(filling) => form::trial(run, fields, &filling.form, At::item(item)),
        None => form::trial(run, fields, &Form::default(), At::item(item)),
    }
}

/// Does what stands in the form change what it offers?
fn live(run: &Run, fields: &[FormField]) -> bool {
    let acls = &run.model.acls;
    acls.shapes_forms() || fields.iter().any(|f| f.when.is_some() || f.field.as_ref().is_some_and(|n| acls.limits(n)))
}

fn fields(run: &Run, fields: &[FormField], item: &WorkItem, trial: &Snapshot) -> (Vec<OfferedField>, Option<OfferedArticle>) {
    let at = At::item(item);
    let judge = ask::judge(run, trial, at);
    let shape = |name: &str| judge.as_ref().and_then(|j| j.field(name));
    let asked = Choosing { run, trial, at, by_right: false };
    let mut offered = vec![];
    let mut article = None;
    for field in form::present(run, fields, trial, at) {
        if let Some(a) = &field.article {
            let shape = shape("article");
            let required = a.required || matches!(shape, Some(Shape::Required(_)));
            let there = !matches!(shape, Some(Shape::Hidden(_)));
            let time = a.time.filter(|_| run.ctx.actor.kind == PersonKind::Agent).map(|t| t == AskTime::Required);
            article = there.then_some(OfferedArticle { required, visible: a.visible.unwrap_or(true), time });
        }
        if let Some(name) = &field.data {
            let Some(of) = form::data_type(run, name, field, at.instance()) else { continue };
            let title = run.model.title(field.title.as_ref(), name, &run.ctx.actor.language).to_owned();
            let data = item.copy().map(|c| &c.data).or_else(|| Some(&run.snapshot.instance(item.instance)?.more.as_ref()?.data));
            let value = data.and_then(|d| d.get(name.as_str())?.value()).map_or(Json::Null, |v| v.to_json());
            let own = Some((of, title));
            offered.push(OfferedField { name: name.to_string(), required: field.required, value, kept: None, choice: None, own });
            continue;
        }
        let Some(name) = &field.field else { continue };
        let Some(slot) = Slot::find(&run.model.names, name) else { continue };
        let (mut required, mut kept) = (field.required || slot.always_set(), None);
        match shape(name) {
            Some(Shape::Hidden(_)) => continue,
            Some(Shape::ReadOnly(denied)) => kept = Some(denied),
            Some(Shape::Required(_)) => required = true,
            None => {}
        }
        let now = slots::current(&run.snapshot, &slot);
        let value = match form::default(run, field, &slot, at) {
            Some(default) if now.is_null() && kept.is_none() => default.value,
            _ => now,
        };
        offered.push(OfferedField { name: name.to_string(), required, value, kept, choice: asked.choice(&slot), own: None });
    }
    (offered, article)
}
