//! Programs: wanted in a commit, run after it, answered by a command of its own.

use crate::execution::at::At;
use crate::execution::evaluate::value;
use crate::execution::run::Run;
use crate::net::values;
use crate::rules::failure::Failure;
use crate::state::event::{CallEnded, CallWanted, Event};
use crate::state::ids::CallId;
use crate::state::message::Datum;
use crate::state::snapshot::{Call, Retry, WorkItem, WorkStatus};
use serde_json::{Map, Value as Json};
use vorgang_definitions::actions::retry::Retry as Again;
use vorgang_definitions::actions::run::Run as Program;
use vorgang_definitions::values::Slot;

/// How long a program may take where nothing is said, and how long to wait before the second attempt, in seconds.
const LIMIT: u32 = 30;
const WAIT: u32 = 60;

/// `index` where the work item waits for it: which of its activity's actions it is.
pub fn want(run: &mut Run, program: &Program, again: Option<&Again>, at: At, index: Option<usize>) -> Result<(), Failure> {
    let mut input = Map::new();
    for (name, given) in program.with.iter() {
        let json = value(run, given, at)?.map_or(Json::Null, |v| v.to_json());
        input.insert(name.to_string(), json);
    }
    let seconds = |d: vorgang_definitions::cel::value::Duration| u32::try_from(d.days * 86_400 + d.seconds).unwrap_or(u32::MAX);
    let call = Call {
        seq: run.next_id(),
        waits: at.work().zip(index),
        program: program.program.to_string(),
        instance: at.instance(),
        input: Json::Object(input),
        into: program.into.iter().flat_map(|i| &i.0).map(|(f, k)| (f.to_string(), k.as_ref().map(ToString::to_string))).collect(),
        limit: program.limit.map_or(LIMIT, |l| seconds(l.0)),
        retry: again.map_or((0, 0), |a| (a.times.0 as u32, a.wait.map_or(WAIT, |w| seconds(w.0)))),
        wanted: run.ctx.now,
    };
    run.emit(Event::CallWanted(CallWanted { call }));
    Ok(())
}

/// What it wrote is put where it belongs, and the work item that waits goes on. One that was withdrawn does nothing.
pub fn answer(run: &mut Run, seq: CallId, result: &Result<String, String>) {
    let Some(call) = run.snapshot.calls.iter().find(|c| c.seq == seq).cloned() else { return };
    let item = call.waits.and_then(|(work, _)| run.snapshot.item(work)).filter(|w| w.status == WorkStatus::Calling).cloned();
    let program = call.program.clone();
    let savepoint = run.savepoint();
    let written = result.clone().and_then(|output| {
        run.emit(Event::CallEnded(CallEnded { seq, program: program.clone(), output: Some(output.clone()), message: None }));
        write(run, &call, &output)
    });
    if let Err(message) = written {
        run.roll_back(savepoint);
        run.emit(Event::CallEnded(CallEnded { seq, program, output: None, message: Some(message.clone()) }));
        return failed(run, call, item, message);
    }
    if let (Some(item), Some((_, index))) = (item, call.waits) {
        go_on(run, &item, index + 1);
    }
}

fn go_on(run: &mut Run, item: &WorkItem, from: usize) {
    run.go_on(item, from, Retry::Resume { work: item.seq, from });
}

/// The values of the output, each read as its field reads what a person types.
fn write(run: &mut Run, call: &Call, output: &str) -> Result<(), String> {
    let text = output.trim_end_matches(['\r', '\n']);
    let keys = call.into.iter().any(|(_, key)| key.is_some());
    let object: Json = if keys { serde_json::from_str(text).map_err(|e| format!("it wrote no JSON: {e}"))? } else { Json::Null };
    for (field, key) in &call.into {
        let whole = Json::String(text.to_owned());
        let value = match key {
            None => &whole,
            Some(key) => object.get(key).ok_or_else(|| format!("it wrote no `{key}`"))?,
        };
        if let Some((instance, of)) = call.instance.and_then(|i| Some((i, *run.process_of(i)?.def.data.get(field)?))) {
            let read = of.0.read_form(value).map_err(|e| format!("`{field}`: {e}"))?;
            run.set_data(instance, field, read.as_ref().and_then(Datum::from_value));
            continue;
        }
        let slot = Slot::find(&run.model.names, field).ok_or_else(|| format!("there is no field `{field}`"))?;
        let change = values::read_value(run, &slot, value).map_err(|e| format!("`{field}`: {}", e.say("en")))?;
        if change.value.is_null() {
            // Its own process relies on it too: what a program does not write must not unset it.
            let relied = values::relied_on(run, field, None);
            relied.map_err(|r| r.say("en"))?;
        }
        run.set(&change.name, change.value, change.is_field);
    }
    Ok(())
}

/// `on_error`, where it is written; an incident otherwise, whose retry runs it again.
fn failed(run: &mut Run, call: Call, item: Option<WorkItem>, message: String) {
    let failure = Failure::new("program", format!("`{}`: {message}", call.program));
    let retry = Retry::Call { call: Box::new(call.clone()) };
    let (Some(item), Some((work, index))) = (item, call.waits) else {
        // Nothing waits any more, or nothing ever did.
        if call.waits.is_none() {
            run.raise(failure, Some(format!("program {}", call.program)), retry);
        }
        return;
    };
    let process = run.process_of(item.instance);
    let action = process.as_ref().and_then(|p| p.def.activities.get(&item.activity)).and_then(|a| a.actions.get(index));
    let Some(others) = action.and_then(|a| a.on_error.as_ref()) else { return run.fail(work, failure, retry) };
    let savepoint = run.savepoint();
    match run.actions(others, At::item(&item)) {
        Ok(()) if run.snapshot.item(work).is_some_and(|w| w.status.is_open()) => go_on(run, &item, index + 1),
        Ok(()) => {}
        Err(failure) => {
            run.roll_back(savepoint);
            run.fail(work, failure, retry);
        }
    }
}

/// After an incident.
pub fn again(run: &mut Run, call: Call) {
    if let Some((work, _)) = call.waits {
        let Some(item) = run.snapshot.item(work).filter(|w| w.status == WorkStatus::Failed).cloned() else { return };
        run.change_work(work, WorkStatus::Calling, item.claimed_by, false);
    }
    let call = Call { seq: run.next_id(), wanted: run.ctx.now, ..call };
    run.emit(Event::CallWanted(CallWanted { call }));
}
