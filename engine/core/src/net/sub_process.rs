//! A process as one step of another, on the same ticket or on a child of it (C17).

use crate::execution::at::At;
use crate::execution::context::Context;
use crate::execution::evaluate;
use crate::execution::peer_command::PeerCommand;
use crate::execution::run::Run;
use crate::net::new_ticket::{self, begin, blank, complete_fields, made_by};
use crate::net::step::moved;
use crate::net::{assign, note, token};
use crate::rules::failure::Failure;
use crate::rules::rejection::{self, Rejection};
use crate::state::ids::{InstanceId, Login, TicketNumber, WorkId};
use crate::state::message::{Data, Datum};
use crate::state::people::{self, SYSTEM};
use crate::state::snapshot::{Child, InstanceMore, Parent, Retry, WorkItem, WorkStatus};
use std::collections::BTreeMap;
use vorgang_definitions::actions::link::LinkKind;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::kinds::process::Status;
use vorgang_definitions::kinds::sub_process::SubProcess;
use vorgang_definitions::model::ProcessModel;

/// A child ticket on which a process runs, in the same commit. Gives its number, and that of the instance.
pub(crate) fn child(run: &mut Run, new: &NewChild, ctx: &Context) -> Result<(TicketNumber, InstanceId), Failure> {
    let failed = |r: Rejection| Failure::new("process", rejection::say(&r));
    let (def, names) = (&new.process.def, &run.model.names);
    let of = &def.ticket;
    let title = names.site.main_language();
    let title = new.title.clone().unwrap_or_else(|| run.model.title(def.title.as_ref(), &def.name, title).to_owned());
    let (queue, state) = (new.queue.unwrap_or(&of.queue), new.state.unwrap_or(&of.state));
    let mut ticket = blank(ctx, &title.replace(['\r', '\n'], " "), &of.ticket_type, queue, state, new.priority.unwrap_or(&of.priority))
        .map_err(failed)?;
    (ticket.customer_user, ticket.customer) = new.customer.clone();
    let ticket_type = names.types.get(&of.ticket_type).cloned().ok_or_else(|| Failure::new("definition", "its ticket type is gone"))?;
    let mut made = begin(run.model, ctx, ticket);
    let instance = begin_child(&mut made, new)?;
    let done = complete_fields(&mut made, &ticket_type, &BTreeMap::new());
    let made = made.conclude(done).map_err(|stop| run.not_made("process", stop))?;
    Ok((made_by(run, made, Some(LinkKind::Child)), instance))
}

/// Processes that run within each other.
pub const NESTED_MAX: u32 = 20;

/// A child ticket with its process.
pub(crate) struct NewChild<'a> {
    pub process: &'a ProcessModel,
    pub title: Option<String>,
    pub queue: Option<&'a str>,
    pub state: Option<&'a str>,
    pub priority: Option<&'a str>,
    pub customer: (Option<Login>, Option<String>),
    /// Own fields.
    pub fields: BTreeMap<String, Option<Value>>,
    pub started_by: Login,
    pub more: InstanceMore,
}

impl Run<'_> {
    pub(crate) fn start_sub(&mut self, item: &WorkItem, sub: &SubProcess) -> Result<(), Failure> {
        let at = At::item(item);
        let gone = || Failure::new("definition", format!("no process is called `{}`", sub.name));
        let process = self.model.processes.get(sub.name.as_str()).cloned().ok_or_else(gone)?;
        if process.def.status() == Status::Inactive {
            return Err(Failure::new("inactive", format!("the process `{}` is inactive", sub.name)));
        }
        let above = self.snapshot.instance(item.instance).cloned();
        let depth = above.as_ref().and_then(|i| i.more.as_ref()?.parent.as_ref()).map_or(0, |p| p.depth) + 1;
        if depth > NESTED_MAX {
            return Err(Failure::new("loop", format!("more than {NESTED_MAX} processes would run within each other")));
        }
        let (mut data, mut fields) = (Data::new(), BTreeMap::new());
        for (name, given) in sub.with.iter() {
            let value = evaluate::value(self, given, at)?;
            if process.def.data.get(name).is_some() {
                data.extend(value.as_ref().and_then(Datum::from_value).map(|d| (name.to_string(), d)));
            } else {
                fields.insert(name.to_string(), value);
            }
        }
        let started_by = above.map_or_else(|| SYSTEM.to_owned(), |i| i.started_by);
        let number = sub.is_child().then(|| self.snapshot.ticket.number.clone());
        let parent = sub.waits().then_some(Parent { ticket: number, work: item.seq, depth });
        let more = InstanceMore { data, parent, ..InstanceMore::default() };
        let child = if sub.is_child() {
            self.start_on_child(item, sub, &process, fields, started_by, more)?
        } else {
            self.start_here(&process, fields, &started_by, more, at.instance())?
        };
        if sub.waits() {
            let mut more = item.more();
            more.child = Some(child);
            self.note_work(item.seq, more);
            self.change_work(item.seq, WorkStatus::Running, item.claimed_by.clone(), false);
            return Ok(());
        }
        moved(self.complete(item.seq, "done", &SYSTEM)?)
    }

    fn start_here(
        &mut self,
        process: &ProcessModel,
        fields: BTreeMap<String, Option<Value>>,
        started_by: &Login,
        more: InstanceMore,
        by: Option<InstanceId>,
    ) -> Result<Child, Failure> {
        for (name, value) in fields {
            assign::apply(self, &name, value, by)?;
        }
        let first = token::first(process)?;
        let instance = self.begin_within(process, started_by, more);
        self.chain.steps += 1;
        self.enter(instance, first, None);
        Ok(Child { ticket: None, instance })
    }

    /// An instance with what it is given, and who waits for it.
    fn begin_within(&mut self, process: &ProcessModel, started_by: &Login, more: InstanceMore) -> InstanceId {
        let instance = self.start_instance(process, started_by);
        let mut own = self.snapshot.instance(instance).map(|i| i.more()).unwrap_or_default();
        own.data.extend(more.data);
        own.parent = more.parent;
        self.note_instance(instance, own);
        instance
    }

    fn start_on_child(
        &mut self,
        item: &WorkItem,
        sub: &SubProcess,
        process: &ProcessModel,
        fields: BTreeMap<String, Option<Value>>,
        started_by: Login,
        more: InstanceMore,
    ) -> Result<Child, Failure> {
        let of = sub.ticket.as_ref();
        let title = of.and_then(|t| t.title.as_ref()).map(|t| evaluate::render(self, t, At::item(item))).transpose()?;
        let ticket = &self.snapshot.ticket;
        let new = NewChild {
            process,
            title,
            queue: of.and_then(|t| t.queue.as_deref()),
            state: of.and_then(|t| t.state.as_deref()),
            priority: of.and_then(|t| t.priority.as_deref()),
            customer: (ticket.customer_user.clone(), ticket.customer.clone()),
            fields,
            started_by,
            more,
        };
        let system = people::system();
        let ctx: Context = new_ticket::within(self, &system)?;
        let (number, instance) = child(self, &new, &ctx)?;
        Ok(Child { ticket: Some(number), instance })
    }

    /// Withdraws what runs within: the child ticket stays, with a note.
    pub(crate) fn cancel_child(&mut self, child: &Child) {
        match &child.ticket {
            None => {
                if self.snapshot.instance(child.instance).is_some_and(|i| i.outcome.is_none()) {
                    self.end_instance(child.instance, "cancelled");
                }
            }
            Some(number) => self.reach(number, PeerCommand::CancelInstance { instance: child.instance }),
        }
    }

    /// At rest: what waits for a sub-process that has ended goes on. True when something did.
    pub(crate) fn settle_ended(&mut self) -> bool {
        let ended = std::mem::take(&mut self.net.ended);
        let mut done = false;
        for seq in ended {
            let Some(instance) = self.snapshot.instance(seq).cloned() else { continue };
            let Some(InstanceMore { data, parent: Some(parent), .. }) = instance.more.as_deref().cloned() else { continue };
            let outcome = instance.outcome.unwrap_or_default();
            match parent.ticket {
                None => {
                    self.chain.steps += 1;
                    end(self, parent.work, seq, &outcome, &data);
                    done = true;
                }
                Some(number) => {
                    let ticket = self.snapshot.ticket.number.clone();
                    self.reach(&number, PeerCommand::EndSubProcess { work: parent.work, ticket, instance: seq, outcome, data });
                }
            }
        }
        done
    }
}

/// The sub-process of a work item has ended; one that waits for another, or for none any more, is left alone.
pub fn end(run: &mut Run, work: WorkId, instance: InstanceId, outcome: &str, data: &Data) {
    let Some(item) = run.snapshot.item(work).filter(|w| w.status.is_open()).cloned() else { return };
    if item.child().is_none_or(|c| c.instance != instance) {
        return;
    }
    let savepoint = run.savepoint();
    if let Err(failure) = take_back(run, &item, outcome, data) {
        run.roll_back(savepoint);
        run.fail(work, failure, Retry::Complete { work, outcome: outcome.to_owned(), by: SYSTEM });
    }
}

fn take_back(run: &mut Run, item: &WorkItem, outcome: &str, data: &Data) -> Result<(), Failure> {
    let process = run.process_of(item.instance);
    let sub = process.as_ref().and_then(|p| p.def.activities.get(&item.activity)).and_then(|a| a.process.as_ref());
    for (name, from) in sub.into_iter().flat_map(|s| s.into.iter()) {
        let value = data.get(from.as_str()).and_then(Datum::value);
        assign::apply(run, name, value, Some(item.instance))?;
    }
    moved(run.complete(item.seq, outcome, &SYSTEM)?)
}

/// From a ticket whose process has ended.
pub fn end_on(run: &mut Run, work: WorkId, ticket: &TicketNumber, instance: InstanceId, outcome: &str, data: &Data) {
    let waits = |c: &Child| c.ticket.as_deref() == Some(ticket);
    if run.snapshot.item(work).and_then(WorkItem::child).is_some_and(waits) {
        end(run, work, instance, outcome, data);
    }
}

/// From a ticket that does not wait for it any more.
pub fn cancel(run: &mut Run, instance: InstanceId) {
    if run.snapshot.instance(instance).is_some_and(|i| i.outcome.is_none()) {
        let process = run.snapshot.instance(instance).map_or(String::new(), |i| i.process.clone());
        run.end_instance(instance, "cancelled");
        note::write(run, String::new(), format!("The process `{process}` was withdrawn by the ticket that had started it."), false);
    }
}

/// On a child ticket that is new: its fields, and the process.
pub(crate) fn begin_child(run: &mut Run, new: &NewChild) -> Result<InstanceId, Failure> {
    for (name, value) in &new.fields {
        assign::apply(run, name, value.clone(), None)?;
    }
    let first = token::first(new.process)?;
    let instance = run.begin_within(new.process, &new.started_by, new.more.clone());
    run.enter(instance, first, None);
    Ok(instance)
}
