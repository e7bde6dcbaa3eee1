//! Copies, repetitions, sub-processes, groups and mutexes: that they are whole, and what expressions see of them.

use crate::cel::env::Env;
use crate::cel::expr::WrittenExpr;
use crate::cel::types::Ty;
use crate::cel::value::Value;
use crate::check::action_list;
use crate::check::context::Cx;
use crate::check::place::{self, Relies};
use crate::diagnostic::Diagnostic;
use crate::kinds::group::{Group, Mutex};
use crate::kinds::message::DataType;
use crate::kinds::process::Process;
use crate::kinds::several::{DoneWhen, ForEach};
use crate::kinds::sub_process::SubProcess;
use crate::name::Name;
use crate::phase::Written;
use crate::value_expr::ValueExpr;
use crate::values::Slot;
use crate::yaml::{self, Node};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The type of the elements, by what kind of list `in` is; whole numbers where it is a count.
pub fn for_each(f: &ForEach<Written>, env: &Env, relies: &mut Relies, cx: &mut Cx) -> Ty {
    match (&f.list, &f.count) {
        (Some(list), None) => elements(list, env, relies, cx),
        (None, Some(count)) => {
            counted(count, env, relies, cx);
            if f.live {
                cx.push(
                    Diagnostic::error("unknown-key", f.at, "`live` follows a list; a `count` is read once").help("write `in:` with a list"),
                );
            }
            Ty::Int
        }
        _ => {
            cx.push(Diagnostic::error("missing-key", f.at, "`for_each` has `in`, a list, or `count`, a number"));
            Ty::Any
        }
    }
}

fn elements(list: &ValueExpr<Written>, env: &Env, relies: &mut Relies, cx: &mut Cx) -> Ty {
    match list {
        ValueExpr::Expr(e) => {
            let Some(program) = place::compile(e, env, None, relies, cx) else { return Ty::Any };
            match &program.ty {
                Ty::List(of) if !matches!(**of, Ty::List(_) | Ty::Map(_) | Ty::Object(_) | Ty::Duration) => (**of).clone(),
                other => {
                    cx.push(Diagnostic::error("cel-type", e.span, format!("expected a list of plain values, found {other}")));
                    Ty::Any
                }
            }
        }
        ValueExpr::Literal(l) => {
            let yaml::Value::List(items) = &l.node.value else {
                let d = Diagnostic::error("wrong-type", l.node.span, "expected a list");
                cx.push(d.help("an expression begins with `=`; a number of copies is `count`"));
                return Ty::Any;
            };
            let value = |n: &Node| match &n.value {
                yaml::Value::Text(t) => Some((Value::text(t.as_str()), Ty::Text)),
                yaml::Value::Int(i) => Some((Value::Int(*i), Ty::Int)),
                _ => None,
            };
            let all: Option<Vec<(Value, Ty)>> = items.iter().map(value).collect();
            match all {
                Some(all) if all.iter().all(|(_, ty)| *ty == all[0].1) => {
                    let ty = all.first().map_or(Ty::Any, |(_, ty)| ty.clone());
                    cx.convert(l, Some(Value::List(Arc::new(all.into_iter().map(|(v, _)| v).collect()))));
                    ty
                }
                _ => {
                    cx.push(Diagnostic::error("wrong-type", l.node.span, "expected texts, or whole numbers"));
                    Ty::Any
                }
            }
        }
    }
}

fn counted(count: &ValueExpr<Written>, env: &Env, relies: &mut Relies, cx: &mut Cx) {
    match count {
        ValueExpr::Expr(e) => drop(place::compile(e, env, Some(&Ty::Int), relies, cx)),
        ValueExpr::Literal(l) => match l.node.value {
            yaml::Value::Int(i) if (0..=1_000).contains(&i) => cx.convert(l, Some(Value::Int(i))),
            _ => cx.push(Diagnostic::error("out-of-range", l.node.span, "expected a number of copies from 0 to 1000")),
        },
    }
}

pub fn done_when(f: &ForEach<Written>, env: &Env, items: Ty, relies: &mut Relies, cx: &mut Cx) {
    let Some(DoneWhen::Expr(e)) = &f.done_when else { return };
    place::condition(Some(e), &env.clone().with("items", items), relies, cx);
}

/// The process is there, and takes and gives what stands here.
pub fn sub_process(
    sub: &SubProcess<Written>,
    process: &Process<Written>,
    own: &action_list::ActionPlace,
    relies: &mut Relies,
    cx: &mut Cx,
) {
    let Some(inner) = cx.processes.get(sub.name.as_str()) else {
        let known: Vec<_> = cx.names.process_names.iter().map(String::as_str).collect();
        return cx.unknown("process", &sub.name, known);
    };
    let inner = inner.clone();
    if !sub.is_child() {
        if inner.ticket.ticket_type != process.ticket.ticket_type {
            let message = format!("the process `{}` is for tickets of type `{}`", sub.name, inner.ticket.ticket_type);
            cx.push(Diagnostic::error("other-type", sub.name.span, message).help("run it `on: child`, on a ticket of its own"));
        }
        if let Some(ticket) = &sub.ticket {
            cx.push(Diagnostic::error("unknown-key", ticket.at, "`ticket` describes a child: write `on: child` too"));
        }
    }
    if let Some(ticket) = &sub.ticket {
        let names = cx.names;
        if let Some(queue) = ticket.queue.as_ref().filter(|q| names.queues.get(q).is_none()) {
            cx.unknown("queue", queue, names.queues.iter().map(|q| q.name.as_str()));
        }
        if let Some(state) = ticket.state.as_ref().filter(|s| names.states.get(s).is_none()) {
            cx.unknown("state", state, names.states.iter().map(|s| s.name.as_str()));
        }
        if let Some(priority) = ticket.priority.as_ref().filter(|p| names.priorities.get(p).is_none()) {
            cx.unknown("priority", priority, names.priorities.iter().map(|p| p.name.as_str()));
        }
        relies.extend(ticket.title.iter().flat_map(|t| cx.compile_text(t, &own.env)));
    }
    let fields: Option<BTreeSet<String>> =
        cx.names.types.get(&inner.ticket.ticket_type).map(|t| t.fields.iter().map(|f| f.field.to_string()).collect());
    for (name, given) in sub.with.iter() {
        match inner.data.get(name) {
            Some(of) => data_value(name, of.0, given, &own.env, relies, cx),
            None => match place::slot(name, fields.as_ref(), cx) {
                Some(slot @ Slot::Field(_)) => place::value(given, &slot, &own.env, relies, cx),
                Some(_) => {
                    let d = Diagnostic::error("unknown-name", name.span, format!("`{name}` is given to no process"));
                    cx.push(d.help("`with` has values that the process declares in `data`, and fields of its ticket"));
                }
                None => {}
            },
        }
    }
    if !sub.waits() && !sub.into.is_empty() {
        cx.push(Diagnostic::error("unknown-key", sub.at, "without waiting nothing comes back: `into` needs its end"));
    }
    for (name, from) in sub.into.iter() {
        let Some(of) = inner.data.get(from) else {
            let known: Vec<&str> = inner.data.names().collect();
            cx.unknown(&format!("value of the process `{}`", sub.name), from, known);
            continue;
        };
        let fits = match process.data.get(name) {
            Some(own) => own == of,
            None => match place::slot(name, own.fields, cx) {
                Some(slot) => of.0.ty().fits(&slot.ty(cx.names)),
                None => continue,
            },
        };
        if !fits {
            cx.push(Diagnostic::error("wrong-type", name.span, format!("`{name}` does not take {}, the type of `{from}`", of.0.word())));
        }
    }
}

/// A value for something that the process declares.
pub fn data_value(name: &Name, of: DataType, given: &ValueExpr<Written>, env: &Env, relies: &mut Relies, cx: &mut Cx) {
    match given {
        ValueExpr::Literal(l) if given.is_unset() => cx.convert(l, None),
        _ => place::carried(name, of, given, env, relies, cx),
    }
}

/// Groups: their activities are there, and they lie in each other or apart.
pub fn groups(process: &Process<Written>, cx: &mut Cx) {
    let members = |g: &Group<Written>| g.activities.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let all: Vec<(&Name, BTreeSet<String>)> = process.groups.iter().map(|(n, g)| (n, members(g))).collect();
    for (i, (name, group)) in process.groups.iter().enumerate() {
        if process.activities.get(name).is_some() || *name == "instance" {
            let d = Diagnostic::error("duplicate-key", name.span, format!("`{name}` is an activity too"));
            cx.push(d.help("`cancel` and `undo` name activities and groups: each has a name of its own"));
        }
        if group.activities.is_empty() {
            cx.push(Diagnostic::error("empty-list", name.span, format!("the group `{name}` has no activities")));
        }
        for activity in group.activities.iter().filter(|a| process.activities.get(a).is_none()) {
            cx.unknown("activity", activity, process.activities.names());
        }
        for (other, theirs) in &all[..i] {
            let mine = &all[i].1;
            let shared = mine.intersection(theirs).next();
            if let (Some(shared), false, false) = (shared, mine.is_subset(theirs), theirs.is_subset(mine)) {
                let message = format!("the groups `{other}` and `{name}` overlap: both have `{shared}`, and neither holds the other");
                cx.push(Diagnostic::error("groups-overlap", name.span, message).related(other.span, "the other group"));
            }
        }
    }
    mutexes(process, cx);
    for (name, _) in process.data.iter().filter(|(n, _)| Slot::find(cx.names, n).is_some()) {
        let d = Diagnostic::error("duplicate-key", name.span, format!("`{name}` is an attribute or field of tickets too"));
        cx.push(d.help("`set` and forms name both: each has a name of its own"));
    }
}

/// What tells mutexes of one name apart is one value.
pub fn key(key: &WrittenExpr, env: &Env, relies: &mut Relies, cx: &mut Cx) {
    let Some(program) = place::compile(key, env, None, relies, cx) else { return };
    let ty = &program.ty;
    if matches!(ty, Ty::List(_) | Ty::Map(_) | Ty::Object(_)) {
        cx.push(Diagnostic::error("cel-type", key.span, format!("expected one value that tells mutexes apart, found {ty}")));
    }
}

/// A mutex that is taken while another one is held.
struct Within<'p> {
    outer: &'p Mutex<Written>,
    inner: &'p Mutex<Written>,
    at: &'p Name,
}

impl Within<'_> {
    fn is_turned(&self, other: &Self) -> bool {
        self.outer.name == *other.inner.name && self.inner.name == *other.outer.name
    }

    /// Both hold in the whole site.
    fn is_of_site(&self) -> bool {
        self.outer.key.is_some() && self.inner.key.is_some()
    }

    fn finding(&self, other: &Self) -> Diagnostic {
        let message = format!(
            "`{}` takes `{}` within `{}`, `{}` the other way round: they can wait for each other for ever",
            self.at, self.inner.name, self.outer.name, other.at
        );
        Diagnostic::error("mutex-order", self.at.span, message).related(other.at.span, "the other")
    }
}

/// The groups around an activity come before it, the outermost first.
fn taken_within(process: &Process<Written>) -> Vec<Within<'_>> {
    let mut all = vec![];
    for (at, activity) in process.activities.iter() {
        let mut around: Vec<_> = process.groups.iter().filter(|(_, g)| g.activities.iter().any(|a| a == at)).collect();
        around.sort_by_key(|(_, g)| std::cmp::Reverse(g.activities.len()));
        let chain: Vec<&Mutex<Written>> = around.iter().filter_map(|(_, g)| g.mutex.as_ref()).chain(&activity.mutex).collect();
        for (i, outer) in chain.iter().enumerate() {
            let inner = chain[i + 1..].iter().filter(|m| m.name != *outer.name);
            all.extend(inner.map(|inner| Within { outer, inner, at }));
        }
    }
    all
}

/// Two mutexes that are taken in different orders can wait for each other for ever.
fn mutexes(process: &Process<Written>, cx: &mut Cx) {
    let all = taken_within(process);
    let first = all.iter().enumerate().find_map(|(i, one)| all[..i].iter().find(|o| one.is_turned(o)).map(|o| one.finding(o)));
    cx.out.extend(first);
}

/// As within one process, of those that hold in the whole site.
pub fn mutexes_of_site(processes: &BTreeMap<String, Process<Written>>, cx: &mut Cx) {
    let all: Vec<(&String, Within)> =
        processes.iter().flat_map(|(name, p)| taken_within(p).into_iter().filter(Within::is_of_site).map(move |w| (name, w))).collect();
    for (i, (process, one)) in all.iter().enumerate() {
        if let Some((_, other)) = all[..i].iter().find(|(p, o)| p != process && one.is_turned(o)) {
            return cx.push(one.finding(other));
        }
    }
}
