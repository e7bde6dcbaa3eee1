//! Messages: what they carry, wherever they are declared, sent and waited for (C15).

use super::place::{self, Relies};
use super::{Cx, handler};
use crate::actions::Action;
use crate::cel::types::Env;
use crate::diagnostic::Diagnostic;
use crate::kinds::message::DataType;
use crate::kinds::process::Process;
use crate::name::Name;
use crate::source::Span;
use std::collections::{BTreeMap, HashMap};

/// One message has one shape: whoever sends it need not know who waits.
pub fn together<'p>(
    processes: impl Iterator<Item = &'p Process>,
    out: &mut Vec<Diagnostic>,
) -> BTreeMap<String, BTreeMap<String, DataType>> {
    let mut all: BTreeMap<String, BTreeMap<String, DataType>> = BTreeMap::new();
    let mut first: HashMap<String, Span> = HashMap::new();
    for (name, message) in processes.flat_map(|p| p.messages.iter()) {
        let shape = message.shape();
        match all.get(name.as_str()) {
            Some(known) if *known != shape => {
                let d = Diagnostic::error("other-message", name.span, format!("another process declares `{name}` with other `data`"));
                let d = d.help("write the same names and types in both, or give one of them another name");
                out.push(d.related(first[name.as_str()], "declared here"));
            }
            Some(_) => {}
            None => {
                first.insert(name.to_string(), name.span);
                all.insert(name.to_string(), shape);
            }
        }
    }
    all
}

/// The messages of a process: what `match` sees of them.
pub fn check(process: &Process, env: &Env, relies: &mut Relies, cx: &mut Cx) {
    for (name, message) in process.messages.iter() {
        for (key, _) in message.data.iter().filter(|(k, _)| *k == "name") {
            cx.push(Diagnostic::error("bad-name", key.span, "`event.name` is the event's own").help("call it otherwise"));
        }
        let env = handler::with_message(env, name, cx.names);
        place::condition(message.matches.as_ref(), &env, relies, cx);
        let waits = process.all_handlers().flat_map(|h| h.on.iter());
        if !waits.filter_map(|e| e.message()).any(|m| *name == m) {
            let d = Diagnostic::warning("message-unused", name.span, format!("no handler of the process waits for `{name}`"));
            cx.push(d.about(name.as_str()).help(format!("write a handler with `on: message.{name}`, or leave the message out")));
        }
    }
}

/// What is sent has the shape that it was declared with.
pub fn emitted(name: &Name, action: &Action, env: &Env, relies: &mut Relies, cx: &mut Cx) {
    let names = cx.names;
    let Some(shape) = names.messages.get(name.as_str()) else {
        return cx.unknown("message", name, names.messages.keys().map(String::as_str));
    };
    for (key, given) in action.with.iter() {
        let Some(data) = shape.get(key.as_str()) else {
            let d = Diagnostic::error("unknown-key", key.span, format!("the message `{name}` carries no `{key}`"));
            cx.push(d.suggest(key, shape.keys().map(String::as_str), key.span, cx.sources));
            continue;
        };
        place::carried(key, *data, given, env, relies, cx);
    }
    for missing in shape.keys().filter(|k| action.with.get(k).is_none()) {
        cx.push(Diagnostic::error("missing-key", action.at, format!("the message `{name}` carries `{missing}`")).help("add it to `with`"));
    }
}
