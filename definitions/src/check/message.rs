//! Messages: what they carry, wherever they are declared, sent and waited for (C15).

use crate::cel::env::Env;
use crate::check::context::Cx;
use crate::check::handler;
use crate::check::place::{self, Relies};
use crate::diagnostic::Diagnostic;
use crate::kinds::message::DataType;
use crate::kinds::process::Process;
use crate::phase::Written;
use crate::source::Span;
use std::collections::{BTreeMap, HashMap};

/// One message has one shape: whoever sends it need not know who waits.
pub fn together<'p>(
    processes: impl Iterator<Item = &'p Process<Written>>,
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
pub fn check(process: &Process<Written>, env: &Env, relies: &mut Relies, cx: &mut Cx) {
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
