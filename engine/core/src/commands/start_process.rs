//! Starts a process with its first form.

use crate::commands::command_data::CreatesTicket;
use crate::commands::form::Form;
use crate::commands::submit_dialog;
use crate::execution::ask;
use crate::execution::context::Context;
use crate::execution::decision::{Decision, Stop};
use crate::execution::run::Run;
use crate::net::new_ticket::{begin, blank, complete_fields};
use crate::net::workers;
use crate::rules::rejection::{FormError, Rejection, RightReason};
use crate::rules::rights;
use crate::state::event::{ArticleAdded, Event};
use crate::state::ids::WorkId;
use crate::state::people::PersonKind;
use crate::state::snapshot::{WorkItem, WorkStatus};
use std::collections::BTreeMap;
use vorgang_definitions::kinds::process::{Process, Starter, Status};
use vorgang_definitions::kinds::role::Right;
use vorgang_definitions::model::Model;

/// The way in which this person may start the process: the activity in which it begins.
pub fn start_for(process: &Process, kind: PersonKind) -> Option<&str> {
    let wanted = match kind {
        PersonKind::Customer => Starter::Customer,
        PersonKind::Agent => Starter::Agent,
        PersonKind::System => return process.starts.first().map(|s| s.at_activity.as_str()),
    };
    process.starts.iter().find(|s| s.by == wanted).map(|s| s.at_activity.as_str())
}

/// A run in which the process has begun, before its first form: for drawing that form, and for submitting it.
pub fn begin_process<'a>(model: &'a Model, process: &str, ctx: &'a Context<'a>) -> Result<(Run<'a>, WorkId), Rejection> {
    let process = model.processes.get(process).ok_or(Rejection::NotFound)?;
    let def = &process.def;
    if def.status() != Status::Active {
        return Err(Rejection::Right(RightReason::Inactive));
    }
    let at = start_for(def, ctx.actor.kind).ok_or(Rejection::Right(RightReason::CannotStart))?;
    let t = &def.ticket;
    let title = model.title(def.title.as_ref(), &def.name, model.names.site.main_language()).to_owned();
    let mut run = begin(model, ctx, blank(ctx, &title, &t.ticket_type, &t.queue, &t.state, &t.priority)?);
    ask::ask(&run, "process", &def.name, None)?;
    // What handlers see is the ticket with its first form.
    run.reactions.early = true;
    let instance = run.start_instance(process, &ctx.actor.login);
    run.enter(instance, at, None);
    let work = WorkId(run.snapshot.last_seq);
    Ok((run, work))
}

/// A process with a new ticket: the first dialog is submitted in the same command.
#[derive(Debug, Clone, PartialEq)]
pub struct StartProcess {
    pub process: String,
    pub form: Form,
}

impl CreatesTicket for StartProcess {
    const WORD: &'static str = "start_process";

    fn decide(&self, model: &Model, ctx: &Context) -> Result<Decision, Stop> {
        process(model, &self.process, &self.form, ctx)
    }
}

fn process(model: &Model, name: &str, form: &Form, ctx: &Context) -> Result<Decision, Stop> {
    let (mut run, work) = begin_process(model, name, ctx)?;
    let done = first_form(&mut run, work, form);
    run.conclude(done)
}

fn first_form(run: &mut Run, work: WorkId, form: &Form) -> Result<(), Rejection> {
    let (model, ctx) = (run.model, run.ctx);
    let ticket_type = model.names.types.get(&run.snapshot.ticket.ticket_type).cloned().ok_or(Rejection::NotFound)?;
    // Defaults of the type come first, so that the form and its conditions see them; what is required may still come.
    let _ = complete_fields(run, &ticket_type, &BTreeMap::new());
    run.run_to_completion();
    // A form that comes before a program has answered is not there yet.
    let item = run.snapshot.item(work).filter(|w| w.status.is_open() && w.status != WorkStatus::Calling).cloned();
    let given = form.dialog.is_some() || form.outcome.is_some() || !form.values.is_empty() || form.article.is_some();
    // Where the first step is for others, starting only places the token.
    if item.is_some_and(|item| given || first_form_is_for(run, &item)) {
        submit_dialog::submit(run, work, form)?;
    } else if given {
        return Err(Rejection::Form(vec![(String::new(), FormError::Unknown)]));
    } else if ctx.actor.kind == PersonKind::Agent {
        rights::require(&model.names, ctx.actor, &run.snapshot.ticket, Right::Create)?;
    }
    title_from_article(run, form);
    complete_fields(run, &ticket_type, &form.values)
}

/// Has the first activity a dialog for whoever starts it?
pub fn first_form_is_for(run: &Run, item: &WorkItem) -> bool {
    let Some(process) = run.process_of(item.instance) else { return false };
    let Some(activity) = process.def.activities.get(&item.activity) else { return false };
    // Where a program has to answer first, starting only places the token.
    if activity.waits_first() {
        return false;
    }
    activity.dialogs.iter().any(|(_, d)| workers::may_use(run, item, activity, d, run.ctx.actor).is_ok())
}

/// The first article's subject says more than the name of the process.
fn title_from_article(run: &mut Run, form: &Form) {
    let subject = run.events.iter().find_map(|e| match e {
        Event::ArticleAdded(ArticleAdded { article }) if !article.subject.is_empty() => Some(article.subject.clone()),
        _ => None,
    });
    if let (Some(subject), false) = (subject, form.values.contains_key("title")) {
        run.set("title", subject.into(), false);
    }
}
