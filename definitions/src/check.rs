//! The checks: from definitions to a model, or to findings. One file each.

mod acl;
mod action_list;
mod advice;
mod circles;
mod clocks;
mod conditions;
pub mod context;
mod decision;
pub mod env;
mod flow;
mod function;
mod handler;
pub mod job;
mod leads;
mod life_cycle;
pub mod mail;
mod message;
mod parallel;
mod place;
mod process;
mod references;
mod regions;
pub mod several;
mod sound;
mod states;
mod story;
mod texts;
mod transitions;
mod unused;

use crate::acls::Acls;
use crate::actions::{self, Verb};
use crate::canonical::{canonical, hash};
use crate::cel::types::{Ty, WordSet};
use crate::check::context::Cx;
use crate::diagnostic::{self, Diagnostic, Severity};
use crate::kinds::Definition;
use crate::kinds::acl::Acl;
use crate::kinds::calendar::Calendar;
use crate::kinds::decision::Decision;
use crate::kinds::function::Function;
use crate::kinds::handler::{EventName, Handler};
use crate::kinds::job::Job;
use crate::kinds::kind::Kind;
use crate::kinds::mail_filter::MailFilter;
use crate::kinds::process::{Process, WhenClosed};
use crate::kinds::queue::Queue;
use crate::kinds::role::Role;
use crate::kinds::site::Site;
use crate::kinds::state::State;
use crate::kinds::test::Test;
use crate::kinds::ticket_type::TicketType;
use crate::model::{Model, ProcessModel};
use crate::names::{Faulty, Names, Table};
use crate::net::Net;
use crate::phase::{Compile, Parts, Written};
use crate::source::{Sources, Span};
use crate::yaml::Node;
use crate::{holidays, outcomes};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Errors that say nothing of where tokens go: the net is looked at all the same.
const NOT_OF_THE_NET: &[&str] = &[
    "always-false",
    "cel-cost",
    "cel-regex",
    "cel-syntax",
    "cel-type",
    "empty-template",
    "life-cycle",
    "may-be-unset",
    "no-calendar",
    "not-in-type",
    "out-of-range",
    "required-field",
    "shadowed",
    "template",
    "unknown-language",
    "unknown-word",
    "who-missing",
    "wrong-type",
];

pub fn build(
    sources: &Sources,
    definitions: Vec<(Node, Definition)>,
    pinned: Vec<(Node, Process<Written>)>,
    faulty: &Faulty,
    out: &mut Vec<Diagnostic>,
) -> Option<Model> {
    let hash_of_all = hash_all(&definitions);
    let words = unused::words(&definitions);
    let (mut names, processes, Rules { acls, decisions, functions, handlers, jobs, tests }) = gather(sources, definitions, faulty, out)?;
    // What running instances wait for is there as long as they run.
    for (name, message) in pinned.iter().flat_map(|(_, p)| p.messages.iter()) {
        names.messages.entry(name.to_string()).or_insert_with(|| message.shape());
    }
    let nothing = BTreeMap::new();
    let mut parts = Parts::default();
    let mut cx = Cx { sources, names: &names, processes: &nothing, started: &BTreeSet::new(), running: false, out, parts: &mut parts };
    let callables = function::all(&decisions, &functions, &env::of_site(&names), &mut cx);
    // One that is wrong is not also unknown where it is called.
    let called = decisions.iter().map(|d| &d.name).chain(functions.iter().map(|f| &f.name));
    let wrong = called.filter(|name| !callables.contains_key(name.as_str())).map(ToString::to_string);
    names.lost = Arc::new(names.lost.iter().cloned().chain(wrong).collect());
    names.callables = Arc::new(callables);
    let (nodes, processes): (Vec<Node>, BTreeMap<String, Process<Written>>) =
        processes.into_iter().map(|(name, (node, def))| (node, (name, def))).unzip();
    let started = started(&names, &processes, &handlers, &jobs);
    let mut cx = Cx { sources, names: &names, processes: &processes, started: &started, running: false, out, parts: &mut parts };
    references::check(&mut cx);
    mail::check(&mut cx);
    for ticket_type in names.types.iter() {
        life_cycle::check(ticket_type, &mut cx);
    }
    // The fields that the proofs of each process rely on, the current processes first.
    let mut proofs = vec![];
    for def in processes.values() {
        let before = cx.out.len();
        let relies = process::check(def, &mut cx);
        // A net with slips in it would give findings that follow from them. One that runs already runs on as it is.
        let is_whole = cx.out[before..].iter().all(|d| d.severity == Severity::Warning || NOT_OF_THE_NET.contains(&d.code));
        if is_whole {
            sound::check(def, &mut cx);
            states::check(def, &mut cx);
            circles::check(def, &mut cx);
        }
        proofs.push(relies);
    }
    several::mutexes_of_site(&processes, &mut cx);
    cx.running = true;
    for (_, def) in &pinned {
        let relies = process::check(def, &mut cx);
        proofs.push(relies);
    }
    cx.running = false;
    for acl in &acls {
        acl::check(acl, &mut cx);
    }
    acl::together(acls.iter(), &mut cx);
    for handler in &handlers {
        handler::check(handler, &mut cx);
    }
    for job in &jobs {
        job::check(job, &mut cx);
    }
    for test in &tests {
        story::check(test, &mut cx);
    }
    // What could not be read may use it.
    if faulty.is_empty() {
        unused::check(&words, &mut cx);
    }
    let current = processes.into_values().zip(nodes).map(|(def, node)| (def, node, true));
    let all = current.chain(pinned.into_iter().map(|(node, def)| (def, node, false))).zip(proofs);
    let processes = all.map(|((def, node, is_current), relies)| CheckedProcess { node, def, relies, is_current }).collect();
    match compile(sources, hash_of_all, Checked { names, processes, acls, handlers, jobs, tests }, &parts) {
        Ok(model) => Some(model),
        Err(_) if diagnostic::has_errors(out) => None,
        Err(at) => {
            out.push(Diagnostic::error("not-compiled", at, "no check has compiled this: that is a fault of vorgang, not of the site"));
            None
        }
    }
}

/// The processes that some action starts.
fn started(
    names: &Names<Written>,
    processes: &BTreeMap<String, Process<Written>>,
    handlers: &[Handler<Written>],
    jobs: &[Job<Written>],
) -> BTreeSet<String> {
    let of_processes = processes.values().flat_map(Process::action_lists);
    let of_types = names.types.iter().flat_map(|t| t.transitions.iter().flatten()).map(|t| &t.actions[..]);
    let lists = of_processes.chain(of_types).chain(handlers.iter().map(|h| &h.actions[..])).chain(jobs.iter().map(|j| &j.actions[..]));
    let started = lists.flat_map(actions::with_others).filter_map(|a| match &a.verb {
        Verb::Start(name) => Some(name.to_string()),
        _ => None,
    });
    started.collect()
}

/// For each event those that have it in their `on`, in their order.
fn by_event<'a, T: Clone>(all: impl Iterator<Item = (T, &'a [EventName])>) -> HashMap<String, Vec<T>> {
    let mut of: HashMap<String, Vec<T>> = HashMap::new();
    for (thing, on) in all {
        for event in on {
            of.entry(event.text.clone()).or_default().push(thing.clone());
        }
    }
    of
}

/// A process that was checked.
struct CheckedProcess {
    node: Node,
    def: Process<Written>,
    /// Fields that its proofs rely on.
    relies: BTreeSet<String>,
    /// The site has it; if not, instances of it still run.
    is_current: bool,
}

/// Everything that was checked.
struct Checked {
    names: Names<Written>,
    processes: Vec<CheckedProcess>,
    acls: Vec<Acl<Written>>,
    handlers: Vec<Handler<Written>>,
    jobs: Vec<Job<Written>>,
    tests: Vec<Test<Written>>,
}

/// The model of what was checked.
///
/// # Errors
/// The place of a part that was not compiled, because something is wrong with it.
fn compile(sources: &Sources, hash: String, checked: Checked, parts: &Parts) -> Result<Model, Span> {
    let names = checked.names.compile(parts)?;
    let mut processes = BTreeMap::new();
    let mut by_hash = HashMap::new();
    for process in checked.processes {
        let is_current = process.is_current;
        let model = Arc::new(process_model(process, parts)?);
        by_hash.entry(model.hash.clone()).or_insert_with(|| model.clone());
        if is_current {
            processes.insert(model.def.name.to_string(), model);
        }
    }
    let jobs: BTreeMap<String, Arc<Job>> = checked.jobs.compile(parts)?.into_iter().map(|j| (j.name.to_string(), Arc::new(j))).collect();
    let handlers: Vec<Arc<Handler>> = checked.handlers.compile(parts)?.into_iter().map(Arc::new).collect();
    let handlers = by_event(handlers.iter().map(|h| (h.clone(), &*h.on)));
    let announced = by_event(names.notifications.iter().map(|n| (n.name.to_string(), n.on.as_deref().unwrap_or_default())));
    let triggered = by_event(jobs.values().map(|j| (j.name.to_string(), j.on.as_deref().unwrap_or_default())));
    Ok(Model {
        sources: sources.clone(),
        hash,
        names,
        processes,
        by_hash,
        acls: Acls::new(checked.acls.compile(parts)?),
        handlers,
        announced,
        triggered,
        jobs,
        tests: checked.tests.compile(parts)?,
    })
}

fn process_model(process: CheckedProcess, parts: &Parts) -> Result<ProcessModel, Span> {
    let canonical = canonical(&process.node);
    let def = process.def.compile(parts)?;
    let handled = def.all_handlers().flat_map(|h| h.on.iter()).map(|e| e.text.clone()).collect();
    Ok(ProcessModel { handled, net: Net::new(&def), hash: hash(&canonical), canonical, relies: process.relies, def })
}

fn hash_all(definitions: &[(Node, Definition)]) -> String {
    let mut parts: Vec<String> = definitions.iter().map(|(n, d)| format!("{} {} {}", d.kind().word(), d.name(), canonical(n))).collect();
    parts.sort();
    hash(&parts.join("\n"))
}

/// What is checked against names and processes.
struct Rules {
    acls: Vec<Acl<Written>>,
    decisions: Vec<Decision>,
    functions: Vec<Function>,
    handlers: Vec<Handler<Written>>,
    jobs: Vec<Job<Written>>,
    tests: Vec<Test<Written>>,
}

type Gathered = (Names<Written>, BTreeMap<String, (Node, Process<Written>)>, Rules);

fn gather(sources: &Sources, definitions: Vec<(Node, Definition)>, faulty: &Faulty, out: &mut Vec<Diagnostic>) -> Option<Gathered> {
    let mut sites: Vec<Site> = vec![];
    let (mut states, mut priorities, mut queues, mut fields) = (Table::default(), Table::default(), Table::default(), Table::default());
    let (mut types, mut roles, mut notifications) = (Table::default(), Table::default(), Table::default());
    let (mut calendars, mut acls, mut handlers, mut jobs) = (Table::default(), vec![], vec![], vec![]);
    let (mut accounts, mut mail_filters, mut auto_responses) = (Table::default(), vec![], vec![]);
    let mut processes: BTreeMap<String, (Node, Process<Written>)> = BTreeMap::new();
    let (mut tests, mut decisions, mut functions) = (vec![], vec![], vec![]);
    let mut first: HashMap<(Kind, String), Span> = HashMap::new();
    let mut lost = faulty.lost.clone();
    for (node, definition) in definitions {
        let name = definition.name().clone();
        if let Some(at) = first.insert((definition.kind(), name.to_string()), name.span) {
            let d = Diagnostic::error("duplicate-definition", name.span, format!("`{name}` is defined twice"));
            out.push(d.related(at, "first here"));
            continue;
        }
        match definition {
            Definition::Acl(d) => acls.push(d),
            Definition::AutoResponse(d) => auto_responses.push(d),
            Definition::Decision(d) if faulty.damaged.contains(&d.at) => _ = lost.insert(name.to_string()),
            Definition::Decision(d) => decisions.push(d),
            Definition::Calendar(d) => drop(calendars.insert(&name, d)),
            // One of which a part is missing is called with what is written: nothing is said of that.
            Definition::Function(d) if faulty.damaged.contains(&d.at) => _ = lost.insert(name.to_string()),
            Definition::Function(d) => functions.push(d),
            Definition::Handler(d) => handlers.push(d),
            Definition::Job(d) => jobs.push(d),
            Definition::MailAccount(d) => drop(accounts.insert(&name, d)),
            Definition::MailFilter(d) => mail_filters.push(d),
            Definition::Site(d) => sites.push(d),
            Definition::State(d) => drop(states.insert(&name, d)),
            Definition::Priority(d) => drop(priorities.insert(&name, d)),
            Definition::Queue(d) => drop(queues.insert(&name, d)),
            Definition::Field(d) => drop(fields.insert(&name, d)),
            Definition::TicketType(d) => drop(types.insert(&name, d)),
            Definition::Role(d) => drop(roles.insert(&name, d)),
            Definition::Notification(d) => drop(notifications.insert(&name, d)),
            Definition::Process(d) => drop(processes.insert(name.to_string(), (node, d))),
            Definition::Test(d) => tests.push(d),
        }
    }
    if sites.len() != 1 {
        if !(sites.is_empty() && faulty.site) {
            let span = sites.get(1).map_or(Span::default(), |s| s.at);
            let message = if sites.is_empty() { "the site has no `kind: Site`" } else { "the site has a second `kind: Site`" };
            out.push(Diagnostic::error("no-site", span, message).help("exactly one file of the folder defines the site"));
        }
        sites.truncate(1);
    }
    let site = sites.pop().unwrap_or_else(Site::stand_in);
    fn words<T>(table: &Table<T>, what: &str, name: impl Fn(&T) -> String) -> Ty {
        Ty::word(what, table.iter().map(name))
    }
    let state_ty = words(&states, "state", |s: &State| s.name.to_string());
    let queue_ty = words(&queues, "queue", |q: &Queue| q.name.to_string());
    let type_ty = words(&types, "ticket type", |t: &TicketType<Written>| t.name.to_string());
    let role_set = Arc::new(WordSet { what: "role".into(), words: roles.iter().map(|r: &Role| r.name.to_string()).collect() });
    let process_names = processes.keys().cloned().collect();
    let ends = processes.iter().map(|(name, (_, p))| (name.clone(), outcomes::ends(p))).collect();
    let closing_cancels = |p: &Process<Written>| p.when_closed() == WhenClosed::Cancel;
    let cancelled_by_closing = processes.iter().filter(|(_, (_, p))| closing_cancels(p)).map(|(name, _)| name.clone()).collect();
    let work_times = holidays::work_times(&calendars, &site.zone.0, sources, out);
    let calendar_names = calendars.iter().map(|c: &Calendar| c.name.to_string()).collect();
    let calendar_set = Arc::new(WordSet { what: "calendar".into(), words: calendar_names });
    mail_filters.sort_by(|a: &MailFilter<Written>, b: &MailFilter<Written>| {
        (a.order.map_or(0, |o| o.0), &a.name).cmp(&(b.order.map_or(0, |o| o.0), &b.name))
    });
    let names = Names {
        site,
        accounts,
        mail_filters,
        auto_responses,
        states,
        priorities,
        queues,
        fields,
        types,
        roles,
        notifications,
        calendars,
        work_times,
        process_names,
        ends,
        cancelled_by_closing,
        messages: message::together(processes.values().map(|(_, p)| p), out),
        state_ty,
        queue_ty,
        type_ty,
        role_set,
        job_names: jobs.iter().map(|j: &Job<Written>| j.name.to_string()).collect(),
        calendar_set,
        lost: Arc::new(lost),
        callables: Arc::default(),
    };
    acls.sort_by(|a: &Acl<Written>, b: &Acl<Written>| (a.order.map_or(0, |o| o.0), &a.name).cmp(&(b.order.map_or(0, |o| o.0), &b.name)));
    handlers.sort_by(|a: &Handler<Written>, b: &Handler<Written>| {
        (a.order.map_or(0, |o| o.0), &a.name).cmp(&(b.order.map_or(0, |o| o.0), &b.name))
    });
    Some((names, processes, Rules { acls, decisions, functions, handlers, jobs, tests }))
}
