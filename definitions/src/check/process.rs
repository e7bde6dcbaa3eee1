//! A process: its net, its forms, its branches, and every expression with what is proved set at its place.

use crate::actions::complete::{Complete, Completes};
use crate::actions::{self, Action, Verb};
use crate::cel::env::Env;
use crate::cel::expr::WrittenExpr;
use crate::cel::types::Ty;
use crate::check::action_list::{self, ActionPlace};
use crate::check::context::Cx;
use crate::check::flow::{self, Flow, required_facts};
use crate::check::place::{self, Relies};
use crate::check::{advice, clocks, env, handler, leads, message, parallel, several, texts, transitions};
use crate::diagnostic::Diagnostic;
use crate::kinds::branch::{Branch, Next, Target, Transition};
use crate::kinds::handler::LocalHandler;
use crate::kinds::message::DataType;
use crate::kinds::process::{self, Activity, FormField, Pick, Process, Way};
use crate::kinds::several::ForEach;
use crate::kinds::timer::Timer;
use crate::name::Name;
use crate::outcomes;
use crate::phase::Written;
use std::collections::BTreeSet;

/// Nobody oversees more, and what is proved of a net grows with it.
const ACTIVITIES_MAX: usize = 1_000;

/// Returns the fields that some proof of the process relies on.
pub fn check(process: &Process<Written>, cx: &mut Cx) -> BTreeSet<String> {
    if process.activities.len() > ACTIVITIES_MAX {
        let d = Diagnostic::error(
            "too-large",
            process.name.span,
            format!("a process has at most {ACTIVITIES_MAX} activities, this one {}", process.activities.len()),
        );
        cx.push(d.help("make sub-processes of its parts"));
        return BTreeSet::new();
    }
    texts::text(process.title.as_ref(), cx);
    texts::text(process.description.as_ref(), cx);
    ticket(process, cx);
    required_fields(process, cx);
    let before = cx.out.len();
    net(process, cx);
    several::groups(process, cx);
    // A name that is misspelled may be what leads there.
    if !cx.out[before..].iter().any(|d| d.code == "unknown-name") {
        reachable(process, cx);
    }
    if !cx.running {
        clocks::check(process, cx);
    }
    let names = cx.names;
    let base = env::in_process(names, process);
    let flow = Flow::new(process, names, &base.set);
    let ticket_type = names.types.get(&process.ticket.ticket_type);
    let fields: Option<BTreeSet<String>> = ticket_type.map(|t| t.fields.iter().map(|f| f.field.to_string()).collect());
    let states = ticket_type.and_then(leads::leads_to).or_else(|| ticket_type.map(|t| t.states.iter().map(ToString::to_string).collect()));
    let mut checker = Checker { process, base, flow, fields, states, relies: Relies::new() };
    for (name, activity) in process.activities.iter() {
        checker.activity(name, activity, cx);
    }
    checker.groups(cx);
    if !cx.running {
        parallel::check(process, &checker.base, cx);
    }
    // Wherever the process stands: nothing is proved set.
    let anywhere = Env { set: BTreeSet::new(), ..checker.base.clone() };
    message::check(process, &anywhere, &mut checker.relies, cx);
    for handler in &process.handlers {
        checker.handler(handler, &anywhere, cx);
        if handler.next.is_some() {
            let d = Diagnostic::error("unknown-key", handler.at, "a handler of a process has no `next`");
            cx.push(d.help("write it at the activity that it ends"));
        }
    }
    checker.relies.into_iter().filter_map(|p| p.strip_prefix("ticket.").map(|p| p.trim_start_matches("fields.").to_owned())).collect()
}

fn ticket(process: &Process<Written>, cx: &mut Cx) {
    let (names, t) = (cx.names, &process.ticket);
    if names.queues.get(&t.queue).is_none() {
        cx.unknown("queue", &t.queue, names.queues.iter().map(|q| q.name.as_str()));
    }
    if names.priorities.get(&t.priority).is_none() {
        cx.unknown("priority", &t.priority, names.priorities.iter().map(|p| p.name.as_str()));
    }
    let Some(ticket_type) = names.types.get(&t.ticket_type) else {
        cx.unknown("ticket type", &t.ticket_type, names.types.iter().map(|t| t.name.as_str()));
        return;
    };
    if !names.initial_states(ticket_type).any(|s| t.state == s) {
        let known: Vec<&str> = names.initial_states(ticket_type).collect();
        if names.states.get(&t.state).is_some() {
            let d = Diagnostic::error(
                "life-cycle",
                t.state.span,
                format!("a ticket of type `{}` cannot begin in `{}`", t.ticket_type, t.state),
            );
            cx.push(d.help(format!("it begins in {}", known.iter().map(|s| format!("`{s}`")).collect::<Vec<_>>().join(" or "))));
        } else {
            cx.unknown("state", &t.state, known);
        }
    }
}

/// What the ticket's type requires, some form of the first step must ask for: otherwise no start could succeed.
fn required_fields(process: &Process<Written>, cx: &mut Cx) {
    let names = cx.names;
    let Some(ticket_type) = names.types.get(&process.ticket.ticket_type) else { return };
    for field in ticket_type.fields.iter().filter(|f| f.required && f.default.is_none()) {
        for start in &process.starts {
            let Some(activity) = process.activities.get(&start.at_activity) else { continue };
            let always = |f: &FormField<Written>| f.field.as_ref() == Some(&field.field) && f.when.is_none();
            let missing = activity.dialogs.iter().find(|(_, d)| !d.fields.iter().any(always)).map(|(name, _)| name);
            if missing.is_some() || activity.dialogs.is_empty() {
                let form = match missing {
                    Some(name) if activity.dialogs.len() > 1 => format!("the form `{name}` of `{}` does not always ask", start.at_activity),
                    _ => format!("no form of `{}` always asks", start.at_activity),
                };
                let message = format!("{form} for `{}`, which the type `{}` requires", field.field, ticket_type.name);
                let d = Diagnostic::error("required-field", start.at_activity.span, message);
                cx.push(d.help("add it to the first form, or give it a default in the type"));
            }
        }
    }
}

/// Names of activities, outcomes and keys that exclude each other.
fn net(process: &Process<Written>, cx: &mut Cx) {
    let activities: Vec<&str> = process.activities.names().collect();
    if activities.is_empty() {
        cx.push(Diagnostic::error("missing-key", process.name.span, "a process needs at least one activity"));
        return;
    }
    for (i, start) in process.starts.iter().enumerate() {
        if let Some(first) = process.starts[..i].iter().find(|s| s.by == start.by) {
            let d = Diagnostic::error("duplicate-key", start.at, format!("`{}` has a start already", start.by.word()));
            cx.push(d.related(first.at, "first here").help("a first activity with several dialogs offers several ways"));
        }
        if process.activities.get(&start.at_activity).is_none() {
            cx.unknown("activity", &start.at_activity, activities.iter().copied());
        }
    }
    for action in process.action_lists().flat_map(actions::with_others) {
        completed_or_undone(process, action, cx);
    }
    for (name, activity) in process.activities.iter() {
        if let (Some(_), Some(end)) = (&activity.next, &activity.end) {
            cx.push(Diagnostic::error("next-and-end", end.span, format!("`{name}` has `next` and `end`")).help("it goes on, or it ends"));
        }
        if let Some(approval) = &activity.approval {
            if activity.dialogs.get("approval").is_some() {
                cx.push(Diagnostic::error("reserved-activity", approval.at, "an approval is itself a dialog called `approval`"));
            }
            for (outcome, _) in activity.dialogs.iter().flat_map(|(_, d)| d.outcomes.iter()) {
                if approval.outcomes().any(|o| *outcome == o) {
                    cx.push(Diagnostic::error("outcome-clash", outcome.span, format!("the approval has the outcome `{outcome}` already")));
                }
            }
        }
        for (way, branch) in activity.ways() {
            let outcome = match way {
                Way::Outcome(outcome) => outcome,
                Way::Timer(_) | Way::Handler(_) => None,
            };
            for (transition, target) in branch.targets() {
                match target {
                    Target::Stay(span) if matches!(way, Way::Timer(_) | Way::Handler(_)) => {
                        let what = if matches!(way, Way::Timer(_)) { "timer" } else { "handler" };
                        let d = Diagnostic::error("stay", *span, format!("a {what} without `next` stays by itself"));
                        cx.push(d.help("leave `next` out: its `do` runs, and the activity goes on"));
                    }
                    Target::Activity(to) if process.activities.get(to).is_none() => {
                        cx.unknown("activity", to, activities.iter().copied());
                    }
                    Target::Stay(span) if transition.is_some_and(|t| t.to.len() > 1) => {
                        cx.push(Diagnostic::error("stay", *span, "`stay` stands alone: it places no token beside others"));
                    }
                    Target::Stay(span)
                        if activity.approval.as_ref().is_some_and(|a| outcome.is_none_or(|o| a.outcomes().any(|w| *o == w))) =>
                    {
                        cx.push(Diagnostic::error("stay", *span, format!("`{name}` is an approval and has nothing to stay in")));
                    }
                    Target::Stay(span) if activity.dialogs.is_empty() => {
                        let what = if activity.approval.is_some() { "an approval" } else { "an automatic activity" };
                        cx.push(Diagnostic::error("stay", *span, format!("`{name}` is {what} and has nothing to stay in")));
                    }
                    _ => {}
                }
            }
        }
        if let Some(to) = activity.else_.as_ref().filter(|to| process.activities.get(to).is_none()) {
            cx.unknown("activity", to, activities.iter().copied());
        }
        outcomes(process, name, activity, cx);
    }
    for (_, group) in process.groups.iter() {
        for (_, target) in group.branches().flat_map(Branch::targets) {
            match target {
                Target::Stay(span) => cx.push(Diagnostic::error("stay", *span, "a group has nothing to stay in")),
                Target::Activity(to) if process.activities.get(to).is_none() => {
                    cx.unknown("activity", to, activities.iter().copied());
                }
                Target::Activity(_) => {}
            }
        }
    }
}

/// Every outcome that can occur is a key of `next`, and no other is.
fn outcomes(process: &Process<Written>, name: &Name, activity: &Activity<Written>, cx: &mut Cx) {
    let Some(Next::Outcomes(map)) = &activity.next else { return };
    // With what an unknown process ends is not known.
    if activity.process.as_ref().is_some_and(|p| !cx.names.process_names.contains(p.name.as_str())) {
        return;
    }
    let possible = outcomes::outcomes(cx.names, process, name);
    for (outcome, _) in map.iter() {
        if !possible.iter().any(|p| outcome == p.as_str()) {
            let d = Diagnostic::error("unknown-outcome", outcome.span, format!("`{name}` has no outcome `{outcome}`"));
            let list = possible.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(", ");
            cx.push(d.suggest_or(outcome, possible.iter().map(String::as_str), outcome.span, cx.sources, format!("it has {list}")));
        }
    }
    for missing in possible.iter().filter(|p| !map.iter().any(|(o, _)| o == p.as_str())) {
        let d = Diagnostic::error("missing-outcome", name.span, format!("`next` of `{name}` has no branch for the outcome `{missing}`"));
        cx.push(d.about(missing.as_str()).help(format!("add `{missing}: …`, or `{missing}: stay` to save and remain")));
    }
}

fn reachable(process: &Process<Written>, cx: &mut Cx) {
    let mut found: BTreeSet<&str> = process.begins();
    let mut open: Vec<&str> = found.iter().copied().collect();
    while let Some(name) = open.pop() {
        let Some(activity) = process.activities.get(name) else { continue };
        let groups = process.groups.iter().filter(|(_, g)| g.activities.iter().any(|a| *a == name)).map(|(_, g)| g);
        let of_groups = groups.flat_map(|g| g.targets().into_iter().chain(process::reopened(g.action_lists())));
        for target in activity.targets().into_iter().chain(activity.reopens()).chain(of_groups).map(Name::as_str) {
            if process.activities.get(target).is_some() && found.insert(target) {
                open.push(target);
            }
        }
    }
    let lost = |name: &str| process.activities.get(name).is_some() && !found.contains(name);
    // What only follows another that is not reached is no finding of its own.
    let follows = |name: &Name| process.activities.iter().any(|(from, a)| from != name && lost(from) && a.targets().contains(&name));
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let all: Vec<&Name> = process.activities.iter().map(|(n, _)| n).filter(|n| lost(n)).collect();
    let (after, first): (Vec<&Name>, Vec<&Name>) = all.into_iter().partition(|n| follows(n));
    for name in first.into_iter().chain(after) {
        if told.contains(name.as_str()) {
            continue;
        }
        let mut open = vec![name.as_str()];
        while let Some(at) = open.pop() {
            if told.insert(at) {
                let next = process.activities.iter().filter(|(n, _)| *n == at).flat_map(|(_, a)| a.targets());
                open.extend(next.map(Name::as_str).filter(|t| lost(t)));
            }
        }
        let d = Diagnostic::error("activity-unreachable", name.span, format!("no path leads to the activity `{name}`"));
        cx.push(d.about(name.as_str()).help("a transition to it is missing, or it can go"));
    }
}

/// What is completed has the outcome, and what is undone says how.
fn completed_or_undone(process: &Process<Written>, action: &Action<Written>, cx: &mut Cx) {
    match &action.verb {
        Verb::Complete(Completes(Complete { activity, outcome: Some(outcome), .. })) => {
            let all = outcomes::outcomes(cx.names, process, activity);
            if process.activities.get(activity).is_some() && !all.iter().any(|o| outcome == o.as_str()) {
                let d = Diagnostic::error("unknown-outcome", outcome.span, format!("`{activity}` has no outcome `{outcome}`"));
                let list = all.iter().map(|o| format!("`{o}`")).collect::<Vec<_>>().join(", ");
                cx.push(d.suggest_or(outcome, all.iter().map(String::as_str), outcome.span, cx.sources, format!("it has {list}")));
            }
        }
        Verb::Undo(name) => {
            let none = match process.activities.get(name) {
                Some(activity) => activity.compensate.is_empty(),
                None => {
                    let group = process.groups.get(name);
                    let meant = |a: &Name| *name == "instance" || group.is_some_and(|g| g.activities.iter().any(|m| m == a));
                    (*name == "instance" || group.is_some())
                        && process.activities.iter().filter(|(n, _)| meant(n)).all(|(_, a)| a.compensate.is_empty())
                }
            };
            if none {
                let d = Diagnostic::error("missing-key", name.span, format!("there is nothing that `undo: {name}` could do"));
                cx.push(d.help("write `compensate:` in the activity: the actions that take it back"));
            }
        }
        _ => {}
    }
}

struct Checker<'a> {
    process: &'a Process<Written>,
    base: Env,
    flow: Flow<'a>,
    fields: Option<BTreeSet<String>>,
    states: Option<BTreeSet<String>>,
    relies: Relies,
}

impl Checker<'_> {
    fn env(&self, activity: &Activity<Written>, facts: BTreeSet<String>) -> Env {
        env::in_activity(&Env { set: facts, ..self.base.clone() }, activity)
    }

    fn place(&self, env: Env) -> ActionPlace<'_> {
        let (fields, states) = (self.fields.as_ref(), self.states.as_ref());
        ActionPlace {
            env,
            fields,
            ticket_type: Some(&self.process.ticket.ticket_type),
            data: Some(&self.process.data),
            states,
            waits: false,
        }
    }

    fn actions(&mut self, actions: &[Action<Written>], env: Env, cx: &mut Cx) -> BTreeSet<String> {
        self.actions_in(actions, env, false, cx)
    }

    fn actions_in(&mut self, actions: &[Action<Written>], env: Env, waits: bool, cx: &mut Cx) -> BTreeSet<String> {
        let mut relies = Relies::new();
        let mut place = ActionPlace { waits, ..self.place(env) };
        action_list::actions(actions, &mut place, &mut relies, cx);
        let facts = place.env.set;
        self.relies.extend(relies);
        facts
    }

    /// Where no path leads, that is the finding; everything is taken as set, so that it stays the only one.
    fn everything(&self) -> BTreeSet<String> {
        self.base.roots.iter().find(|(n, _)| n == "ticket").map(|(_, t)| all_paths(t)).unwrap_or_default()
    }

    fn activity(&mut self, name: &Name, activity: &Activity<Written>, cx: &mut Cx) {
        texts::text(activity.title.as_ref(), cx);
        advice::title(self.process, name, activity, cx);
        advice::same_answers(activity, cx);
        let entered = self.flow.entry.get(name.as_str()).cloned().unwrap_or_else(|| self.everything());
        let mut entry = self.env(activity, entered.clone());
        place::condition(activity.while_.as_ref(), &entry, &mut self.relies, cx);
        if let Some(key) = activity.mutex.as_ref().and_then(|m| m.key.as_ref()) {
            several::key(key, &entry, &mut self.relies, cx);
        }
        if activity.else_.is_some() && activity.while_.is_none() {
            cx.push(Diagnostic::error(
                "missing-key",
                name.span,
                "`else` is where it goes when `while` does not hold, which is not written",
            ));
        }
        if let Some(f) = &activity.for_each {
            let element = several::for_each(f, &entry, &mut self.relies, cx);
            let items = env::items_ty(cx.names, self.process, name, element.clone());
            several::done_when(f, &entry, items, &mut self.relies, cx);
            self.name_of_element(f, &mut entry, element, cx);
        }
        let outer = entry.roots.clone();
        let mut inside = self.actions_in(&activity.actions, entry, true, cx);
        inside.retain(|f| !self.flow.never.contains(f));
        let env = Env { roots: outer, ..self.env(activity, inside) };
        if let Some(sub) = &activity.process {
            let mut relies = Relies::new();
            several::sub_process(sub, self.process, &self.place(env.clone()), &mut relies, cx);
            self.relies.extend(relies);
            for event in activity.handlers.iter().flat_map(|h| h.on.iter()).filter(|e| matches!(e.text.as_str(), "error" | "violated")) {
                let message = format!("what fails in `{}` is not an `{}` of this step", sub.name, event.text);
                let d = Diagnostic::warning("error-elsewhere", event.span, message);
                cx.push(d.help(format!("write the handler in `{}`: its `end` leads on here", sub.name)));
            }
            if !activity.is_bare() {
                let d = Diagnostic::error("two-verbs", sub.at, format!("`{name}` runs a process and asks people"));
                cx.push(d.help("make two activities of it"));
            }
        }
        self.repeat(name, activity, cx);
        // While one of its actions is waited for, clocks and handlers know only what was done before.
        let meanwhile = match self.flow.left(name, activity, &[]) {
            Some(facts) if flow::before_waiting(&activity.actions).len() < activity.actions.len() => {
                Env { roots: env.roots.clone(), ..self.env(activity, facts) }
            }
            _ => env.clone(),
        };
        let copies = activity.for_each.is_some();
        self.compensate(name, activity, &env, cx);
        if let Some(assign) = &activity.assign {
            place::whos(&assign.who, &env, &mut self.relies, cx);
            assign.not.iter().for_each(|w| place::whos(w, &env, &mut self.relies, cx));
            if let Pick::SameAs(other) = assign.pick()
                && self.process.activities.get(other).is_none()
            {
                cx.unknown("activity", other, self.process.activities.names());
            }
        }
        for (dialog_name, dialog) in activity.dialogs.iter() {
            texts::text(dialog.title.as_ref(), cx);
            match (&dialog.who, &activity.assign) {
                (Some(who), _) => place::whos(who, &env, &mut self.relies, cx),
                (None, None) => {
                    let d = Diagnostic::error(
                        "who-missing",
                        dialog_name.span,
                        format!("the dialog `{dialog_name}` does not say whom it is for"),
                    );
                    cx.push(d.help("add `for: agent`, `for: customer`, `for: { role: … }`"));
                }
                (None, Some(_)) => {}
            }
            place::condition(dialog.when.as_ref(), &env, &mut self.relies, cx);
            let filled = self.form(&dialog.fields, &dialog.show, copies, &env, cx);
            for (_, outcome) in dialog.outcomes.iter() {
                texts::text(Some(&outcome.title), cx);
                texts::text(outcome.confirm.as_ref(), cx);
                place::condition(outcome.when.as_ref(), &filled, &mut self.relies, cx);
            }
            self.actions(&dialog.actions, filled, cx);
        }
        if let Some(approval) = &activity.approval {
            texts::text(approval.title.as_ref(), cx);
            place::whos(&approval.of, &env, &mut self.relies, cx);
            approval.not.iter().chain(&approval.delegate).for_each(|w| place::whos(w, &env, &mut self.relies, cx));
            let seats = approval.of.iter().count();
            if approval.seats && approval.required() > seats {
                let message = format!("{} approvals are required, and there are {seats} seats", approval.required());
                cx.push(Diagnostic::error("out-of-range", approval.at, message));
            }
            approval.calendar.iter().for_each(|c| place::calendar(c, cx));
            if approval.calendar.is_some() && approval.within.is_none() {
                cx.push(Diagnostic::error("missing-key", approval.at, "`calendar` counts `within`, which is not written"));
            }
            let filled = self.form(&approval.fields, &approval.show, copies, &env, cx);
            self.actions(&approval.actions, filled, cx);
        }
        for (i, timer) in activity.timers.iter().enumerate() {
            self.timer(timer, &meanwhile, cx);
            if let (Some(Branch::Tried(list)), Some(facts)) = (&timer.next, self.flow.on_the_way(name, Way::Timer(i), None)) {
                self.transitions(list, self.env(activity, facts), cx);
            }
        }
        for (i, handler) in activity.handlers.iter().enumerate() {
            self.handler(handler, &meanwhile, cx);
            if let (Some(Branch::Tried(list)), Some(facts)) = (&handler.next, self.flow.on_the_way(name, Way::Handler(i), None)) {
                let env = handler::with_event(&self.env(activity, facts), &handler.on, cx.names);
                self.transitions(list, env, cx);
            }
        }
        self.next(name, activity, cx);
    }

    /// What takes back knows what every way out of the activity leaves set; who asks for it need not be at work.
    fn compensate(&mut self, name: &Name, activity: &Activity<Written>, env: &Env, cx: &mut Cx) {
        let completed = self.flow.after(name, None).unwrap_or_else(|| env.set.clone());
        let other = activity.ways().iter().any(|(way, _)| !matches!(way, Way::Outcome(_))) || activity.on_change().next().is_some();
        let facts = match self.flow.left(name, activity, &[]) {
            Some(left) if other => &completed & &left,
            _ => completed,
        };
        self.actions(&activity.compensate, Env { set: facts, ..self.base.clone() }, cx);
    }

    fn handler(&mut self, handler: &LocalHandler<Written>, env: &Env, cx: &mut Cx) {
        handler::names_in(&handler.on, self.process, cx);
        let env = handler::with_event(env, &handler.on, cx.names);
        place::condition(handler.when.as_ref(), &env, &mut self.relies, cx);
        self.actions_when(handler.when.as_ref(), &handler.actions, env, cx);
        if handler.actions.is_empty() && handler.next.is_none() {
            cx.push(Diagnostic::error("missing-key", handler.at, "a handler has `do`, `next`, or both"));
        }
    }

    /// A form; returns the environment once it has been filled in.
    fn form(&mut self, fields: &[FormField<Written>], show: &[Name], copies: bool, env: &Env, cx: &mut Cx) -> Env {
        for name in show {
            place::slot(name, self.fields.as_ref(), cx);
        }
        let mut filled = env.clone();
        filled.set.extend(required_facts(fields, cx.names));
        // What the type requires must be filled in, whatever the form says.
        let ticket_type = cx.names.types.get(&self.process.ticket.ticket_type);
        let required = |n: &Name| ticket_type.is_some_and(|t| t.field(n).is_some_and(|f| f.required));
        let given = fields.iter().filter(|f| f.when.is_none()).filter_map(|f| f.field.as_ref()).filter(|n| required(n));
        filled.set.extend(given.map(|n| format!("ticket.fields.{n}")));
        let mut seen = BTreeSet::new();
        for (i, field) in fields.iter().enumerate() {
            // A form sees itself: what must be filled in before this field is set here.
            let mut seen_here = env.clone();
            seen_here.set.extend(required_facts(&fields[..i], cx.names));
            place::condition(field.when.as_ref(), &seen_here, &mut self.relies, cx);
            if let Some(name) = &field.data {
                if !seen.insert(name.to_string()) {
                    cx.push(Diagnostic::error("duplicate-key", name.span, format!("`{name}` stands twice in the form")));
                }
                self.data_field(name, field, copies, cx);
                continue;
            }
            match (&field.field, &field.article) {
                (Some(name), None) => {
                    if !seen.insert(name.to_string()) {
                        cx.push(Diagnostic::error("duplicate-key", name.span, format!("`{name}` stands twice in the form")));
                    }
                    let slot = place::slot(name, self.fields.as_ref(), cx);
                    slot.iter().for_each(|s| place::type_stays(s, name, cx));
                    if let (Some(slot), Some(default)) = (slot, &field.default) {
                        place::value(default, &slot, env, &mut self.relies, cx);
                    }
                }
                (None, Some(article)) => {
                    if !seen.insert("article".into()) {
                        cx.push(Diagnostic::error("duplicate-key", article.at, "a form has one article"));
                    }
                    if let Some(default) = &field.default {
                        cx.push(Diagnostic::error("unknown-key", default.span(), "an article has no `default`"));
                    }
                    if let Some(subject) = &article.subject {
                        self.relies.extend(cx.compile_text(subject, &filled));
                    }
                }
                _ => cx.push(Diagnostic::error("missing-key", field.at, "a form field has `field`, `data` or `article`, and one of them")),
            }
        }
        filled
    }

    /// A value of the process, or of the copy that is filled in.
    fn data_field(&mut self, name: &Name, field: &FormField<Written>, copies: bool, cx: &mut Cx) {
        texts::text(field.title.as_ref(), cx);
        if field.field.is_some() || field.article.is_some() {
            cx.push(Diagnostic::error("missing-key", field.at, "a form field has `field`, `data` or `article`, and one of them"));
        }
        if let Some(default) = &field.default {
            cx.push(Diagnostic::error("unknown-key", default.span(), "a value of its own has no `default`"));
        }
        match (copies, self.process.data.get(name), field.data_type) {
            (true, _, Some(_)) | (false, Some(_), None) => {}
            (true, _, None) => {
                let d = Diagnostic::error("missing-key", name.span, format!("`{name}` is a value of the copy: it needs a `type`"));
                cx.push(d.help(format!("types are {}", DataType::WORDS.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", "))));
            }
            (false, Some(_), Some(_)) => {
                cx.push(Diagnostic::error("unknown-key", name.span, format!("the type of `{name}` stands in the process's `data`")));
            }
            (false, None, _) => cx.unknown("value of the process", name, self.process.data.names()),
        }
    }

    fn next(&mut self, name: &Name, activity: &Activity<Written>, cx: &mut Cx) {
        let Some(next) = &activity.next else { return };
        for (outcome, branch) in next.branches() {
            let Branch::Tried(list) = branch else { continue };
            transitions::split(activity, list, cx);
            transitions::otherwise(list, activity.split, cx);
            advice::never_taken(list, activity.split, &self.base, cx);
            for transition in list {
                let facts = self.flow.on_the_way(name, Way::Outcome(outcome), Some(transition)).unwrap_or_else(|| self.everything());
                self.transition(transition, self.env(activity, facts), cx);
            }
            transitions::on_change(list, cx);
        }
    }

    fn transitions(&mut self, list: &[Transition<Written>], env: Env, cx: &mut Cx) {
        transitions::otherwise(list, None, cx);
        advice::never_taken(list, None, &self.base, cx);
        for transition in list {
            self.transition(transition, env.clone(), cx);
            if transition.on.is_some() {
                cx.push(Diagnostic::error("unknown-key", transition.at, "`on: change` stands in the activity's own `next`"));
            }
        }
    }

    /// What a copy calls its element; it hides nothing.
    fn name_of_element(&mut self, f: &ForEach<Written>, env: &mut Env, element: Ty, cx: &mut Cx) {
        let Some(name) = &f.name else { return };
        if env.root(name).is_some() || *name == "items" || *name == "event" || *name == "article" {
            cx.push(Diagnostic::error("duplicate-key", name.span, format!("`{name}` has a meaning already")));
        }
        *env = env.clone().with(name, element);
    }

    /// `repeat` is asked when the activity is done, before `next`.
    fn repeat(&mut self, name: &Name, activity: &Activity<Written>, cx: &mut Cx) {
        let Some(repeat) = &activity.repeat else { return };
        repeat.check(cx.out);
        let facts = self.flow.after(name, None).unwrap_or_else(|| self.everything());
        let env = self.env(activity, facts);
        for condition in [&repeat.until, &repeat.while_] {
            place::condition(condition.as_ref(), &env, &mut self.relies, cx);
        }
    }

    /// Groups: what their clocks and handlers do, wherever their tokens are.
    fn groups(&mut self, cx: &mut Cx) {
        for (_, group) in self.process.groups.iter() {
            texts::text(group.title.as_ref(), cx);
            let inside = group.activities.iter().filter_map(|a| self.flow.entry.get(a.as_str()).cloned());
            let facts = inside.reduce(|all, one| &all & &one).unwrap_or_default();
            let env = Env { set: facts, ..self.base.clone() };
            if let Some(key) = group.mutex.as_ref().and_then(|m| m.key.as_ref()) {
                several::key(key, &env, &mut self.relies, cx);
            }
            for timer in &group.timers {
                self.timer(timer, &env, cx);
                if let Some(Branch::Tried(list)) = &timer.next {
                    self.transitions(list, env.clone(), cx);
                }
            }
            for handler in &group.handlers {
                self.handler(handler, &env, cx);
                if let Some(Branch::Tried(list)) = &handler.next {
                    self.transitions(list, handler::with_event(&env, &handler.on, cx.names), cx);
                }
            }
        }
    }

    fn timer(&mut self, timer: &Timer<Written>, env: &Env, cx: &mut Cx) {
        timer.calendar.iter().for_each(|c| place::calendar(c, cx));
        place::condition(timer.when.as_ref(), env, &mut self.relies, cx);
        self.actions_when(timer.when.as_ref(), &timer.actions, env.clone(), cx);
        if timer.actions.is_empty() && timer.next.is_none() {
            cx.push(Diagnostic::error("missing-key", timer.at, "a timer has `do`, `next`, or both"));
        }
        if timer.every.is_some_and(|e| e.0.days == 0 && e.0.seconds < 60) {
            cx.push(Diagnostic::error("out-of-range", timer.at, "`every` is a minute at least"));
        }
    }

    fn transition(&mut self, transition: &Transition<Written>, env: Env, cx: &mut Cx) {
        place::condition(transition.when.as_ref(), &env, &mut self.relies, cx);
        self.actions_when(transition.when.as_ref(), &transition.actions, env, cx);
    }

    /// What the condition proves is set for the actions behind it, and need not stay so for them.
    fn actions_when(&mut self, when: Option<&WrittenExpr>, actions: &[Action<Written>], mut env: Env, cx: &mut Cx) {
        let proved = place::proved(when, &env, cx);
        let before = self.relies.clone();
        env.set.extend(proved.iter().cloned());
        self.actions(actions, env, cx);
        self.relies.retain(|p| before.contains(p) || !proved.contains(p));
    }
}

fn all_paths(ticket: &Ty) -> BTreeSet<String> {
    let Ty::Object(o) = ticket else { return BTreeSet::new() };
    let mut paths = BTreeSet::new();
    for f in &o.fields {
        paths.insert(format!("ticket.{}", f.name));
        if let Ty::Object(inner) = &f.ty {
            paths.extend(inner.fields.iter().map(|i| format!("ticket.{}.{}", f.name, i.name)));
        }
    }
    paths
}
