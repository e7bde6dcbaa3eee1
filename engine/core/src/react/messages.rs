//! Messages that reach instances (C15): the handlers that wait have them, or the instance keeps them.

use crate::execution::at::At;
use crate::execution::decision::Remark;
use crate::execution::run::Run;
use crate::rules::failure::Failure;
use crate::state::event::{Event, MessageGone, MessageKept, MessageReceived};
use crate::state::happening::Happening;
use crate::state::ids::InstanceId;
use crate::state::message::{Data, WithMessage};
use crate::state::snapshot::{KeptMessage, Retry, WorkItem, WorkStatus};
use jiff::Timestamp;
use std::sync::Arc;
use vorgang_definitions::calendar::later;
use vorgang_definitions::kinds::handler::LocalHandler;

/// Messages that one instance keeps.
const KEPT_MAX: usize = 1_000;

/// To every instance of the ticket that it matches.
pub fn receive(run: &mut Run, name: &str, data: &Data, sent: Timestamp) {
    let instances: Vec<InstanceId> = run.snapshot.instances.iter().filter(|i| i.outcome.is_none()).map(|i| i.seq).collect();
    let mut reached = false;
    for instance in instances {
        reached |= receive_in(run, instance, name, data, sent);
    }
    if !reached {
        run.notice = Some(Remark::NotMeant(None));
    }
}

fn receive_in(run: &mut Run, instance: InstanceId, name: &str, data: &Data, sent: Timestamp) -> bool {
    let Some(process) = run.process_of(instance) else { return false };
    let Some(message) = process.def.messages.get(name) else { return false };
    if let Some(matches) = &message.matches {
        let scope = WithMessage { scope: run.scope(At::Instance(instance)), name, data };
        match matches.program().holds(&scope) {
            Ok(true) => {}
            Ok(false) => return false,
            Err(error) => {
                let failure = Failure::of_expression(matches, &error, &scope);
                run.raise(failure, Some(format!("{} on message.{name}", process.def.name)), Retry::Nothing);
                return true;
            }
        }
    }
    let savepoint = run.savepoint();
    let event = Event::MessageReceived(MessageReceived { instance, name: name.to_owned(), data: data.clone() });
    run.record(event.clone());
    if deliver_to(run, instance, name, event) {
        return true;
    }
    run.roll_back(savepoint);
    // Without `keep` it is lost where no handler waits.
    let until = message.keep.and_then(|k| later(sent, k.0, None, &run.model.names.site.zone.0));
    let Some(until) = until.filter(|u| *u > run.ctx.now) else { return false };
    if run.snapshot.kept.iter().filter(|m| m.instance == instance).count() >= KEPT_MAX {
        let place = Some(format!("{} on message.{name}", process.def.name));
        if !run.snapshot.incidents.iter().any(|i| i.resolved.is_none() && i.kind == "kept" && i.place == place) {
            run.raise(Failure::new("kept", format!("more than {KEPT_MAX} messages are kept; later ones are lost")), place, Retry::Nothing);
        }
        return true;
    }
    let message = KeptMessage { seq: run.next_id(), instance, name: name.to_owned(), data: data.clone(), until };
    run.emit(Event::MessageKept(MessageKept { message }));
    true
}

/// True when a handler ran, or should have.
fn deliver_to(run: &mut Run, instance: InstanceId, name: &str, event: Event) -> bool {
    let process = run.snapshot.instance(instance).map(|i| i.process.clone());
    let (at, name) = (run.snapshot.last_seq, format!("message.{name}"));
    let happening = Happening { name, at, instance: Some(instance), process, activity: None, by: None, event };
    run.handlers_in(instance, &Arc::new(happening))
}

/// Is a handler there at all, whatever its condition says?
fn awaited(run: &Run, kept: &KeptMessage) -> bool {
    let Some(process) = run.process_of(kept.instance) else { return false };
    let on = |handlers: &[LocalHandler]| handlers.iter().any(|h| h.on.iter().any(|e| e.message() == Some(kept.name.as_str())));
    let at = |w: &WorkItem| process.def.activities.get(&w.activity).is_some_and(|a| on(&a.handlers));
    let of_groups = |w: &WorkItem| {
        process.net.groups_of(&w.activity).iter().filter_map(|g| process.def.groups.at(*g)).any(|(_, group)| on(&group.handlers))
    };
    let mut open = run.snapshot.open_work().filter(|w| w.instance == kept.instance);
    on(&process.def.handlers) || open.any(|w| of_groups(w) || (w.status != WorkStatus::Waiting && at(w)))
}

/// What was kept goes to a handler that waits for it now, the oldest first. True when one took something.
pub fn take_kept(run: &mut Run) -> bool {
    if run.snapshot.kept.is_empty() {
        return false;
    }
    let all = run.snapshot.kept.clone();
    for kept in all.iter().cloned() {
        if kept.until <= run.ctx.now {
            run.emit(Event::MessageGone(MessageGone { seq: kept.seq }));
            continue;
        }
        if !awaited(run, &kept) {
            continue;
        }
        let savepoint = run.savepoint();
        let event = Event::MessageReceived(MessageReceived { instance: kept.instance, name: kept.name.clone(), data: kept.data });
        run.record(Event::MessageGone(MessageGone { seq: kept.seq }));
        run.record(event.clone());
        if deliver_to(run, kept.instance, &kept.name, event) {
            return true;
        }
        run.roll_back(savepoint);
    }
    false
}
