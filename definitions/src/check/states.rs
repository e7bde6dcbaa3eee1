//! Which states the ticket can be in where an action sets another one: a may-analysis over the net.
//!
//! As long as nothing waits, only the process changes the state; where people, clocks or other branches come between,
//! everything is possible to which the life cycle leads. What it allows from none of these states is a finding.

use crate::actions::{Action, Verb, with_others};
use crate::cel::env::Env;
use crate::cel::expr::WrittenExpr;
use crate::check::context::Cx;
use crate::check::{conditions, leads};
use crate::diagnostic::Diagnostic;
use crate::kinds::branch::{Split, Target, Transition};
use crate::kinds::process::{Activity, Dialog, Process, Starter, Way};
use crate::kinds::ticket_type::{LifeTransition, TicketType};
use crate::kinds::who::{Who, WhoWord};
use crate::name::Name;
use crate::phase::Written;
use crate::source::Span;
use crate::value_expr::ValueExpr;
use crate::yaml::Value;
use std::collections::{BTreeMap, BTreeSet};

type States = BTreeSet<String>;

pub fn check(process: &Process<Written>, cx: &mut Cx) {
    let Some(ticket_type) = cx.names.types.get(&process.ticket.ticket_type).filter(|t| t.transitions.is_some()) else { return };
    let mut analysis = Analysis {
        process,
        life: ticket_type,
        entry: BTreeMap::new(),
        changed: BTreeSet::new(),
        parallel: is_parallel(process),
        found: vec![],
    };
    let begins = analysis.begins(cx);
    for name in process.begins() {
        analysis.enter(name, &begins);
    }
    // Sets only grow, so this ends.
    while let Some(name) = analysis.changed.pop_first() {
        if let Some(activity) = process.activities.get(&name) {
            analysis.activity(&name, activity, &begins);
        }
    }
    analysis.found.clear();
    process.activities.iter().for_each(|(name, activity)| analysis.activity(name, activity, &begins));
    for (span, from, to) in analysis.found {
        let list = from.iter().map(|s| format!("`{s}`")).collect::<Vec<_>>().join(" or ");
        let d = Diagnostic::error("life-cycle", span, format!("the life cycle does not lead from {list} to `{to}`"));
        cx.push(d.help(format!("the ticket is in {list} whenever this is done; add the transition, or set another state before")));
    }
}

/// Outside of processes the state is known only by the condition: what a job or a handler sets, the life cycle of some
/// type has to allow from a state for which the condition can hold.
pub fn where_it_holds(condition: Option<&WrittenExpr>, actions: &[Action<Written>], env: &Env, cx: &mut Cx) {
    let mut condition = condition.map_or_else(|| "true".to_owned(), |c| c.text.clone());
    if conditions::never(&condition, env) {
        return;
    }
    for action in actions {
        let Verb::Set(set) = &action.verb else {
            // These verbs may change the state in ways that are not known here.
            if matches!(action.verb, Verb::Merge(_) | Verb::Start(_) | Verb::Run(_) | Verb::Complete(_) | Verb::Undo(_) | Verb::Emit(_)) {
                return;
            }
            continue;
        };
        let Some(ValueExpr::Literal(given)) = set.get("state") else { continue };
        let Value::Text(to) = &given.node.value else { return };
        if let Some(when) = &action.when {
            condition = format!("({condition}) && ({})", when.text);
        }
        let types = || cx.names.types.iter().filter(|t| t.has_state(to));
        let from = |t: &TicketType<Written>| {
            let leads = |s: &&Name| t.transitions.is_none() || leads(t, s.as_str(), to);
            let list: Vec<String> = t.states.iter().filter(leads).map(|s| format!("\"{s}\"")).collect();
            format!("ticket.type == \"{}\" && ticket.state in [{}]", t.name, list.join(", "))
        };
        let allowed = types().map(from).collect::<Vec<_>>().join(" || ");
        if types().next().is_some() && conditions::never(&format!("({condition}) && ({allowed})"), env) {
            let message = format!("the life cycle leads to `{to}` from none of the states for which the condition holds");
            let d = Diagnostic::error("life-cycle", given.node.span, message);
            cx.push(d.help("add the transition, or narrow the condition to the states from which there is one"));
        }
        return;
    }
}

fn leads(life: &TicketType<Written>, from: &str, to: &str) -> bool {
    let step = |t: &LifeTransition<Written>| t.leads(from, to);
    from == to || life.transitions.iter().flatten().any(step)
}

/// Several branches can be under way, and change the state in any order.
fn is_parallel(process: &Process<Written>) -> bool {
    let ways = process.activities.iter().flat_map(|(_, a)| a.ways()).flat_map(|(_, b)| b.targets());
    let several = ways.filter_map(|(t, _)| t).any(|t| t.to.len() > 1 || t.times() > 1);
    several || process.activities.iter().any(|(_, a)| a.for_each.is_some() || a.split.is_some_and(|s| s != Split::First))
}

struct Analysis<'a> {
    process: &'a Process<Written>,
    life: &'a TicketType<Written>,
    /// In which states the ticket can be when the activity is entered.
    entry: BTreeMap<String, States>,
    /// Activities whose states have grown since they were looked at.
    changed: BTreeSet<String>,
    parallel: bool,
    /// The place, the states before, and the state that is set.
    found: Vec<(Span, States, String)>,
}

impl Analysis<'_> {
    fn all(&self) -> States {
        self.life.states.iter().map(ToString::to_string).collect()
    }

    /// Everything to which the life cycle leads from these.
    fn closure(&self, from: &States) -> States {
        let mut all = from.clone();
        loop {
            let before = all.len();
            for t in self.life.transitions.iter().flatten() {
                if t.from.iter().any(|s| all.contains(s.as_str())) {
                    all.extend(t.to.iter().map(ToString::to_string));
                }
            }
            if all.len() == before {
                return all;
            }
        }
    }

    /// What the process can begin with: its own new ticket, or one that is there already.
    fn begins(&self, cx: &Cx) -> States {
        let name = self.process.name.as_str();
        let mut states = States::from([self.process.ticket.state.to_string()]);
        for other in cx.processes.values() {
            for sub in other.activities.iter().filter_map(|(_, a)| a.process.as_ref()).filter(|s| s.name == name) {
                match sub.ticket.as_ref().and_then(|t| t.state.as_ref()) {
                    _ if !sub.is_child() => states = self.all(),
                    Some(state) => _ = states.insert(state.to_string()),
                    None => {}
                }
            }
        }
        if cx.started.contains(name) { self.all() } else { states }
    }

    fn arrive(&mut self, target: &Target, from: &States) {
        let Some(name) = target.activity() else { return };
        let from = if self.parallel { self.closure(from) } else { from.clone() };
        self.enter(name, &from);
    }

    fn enter(&mut self, name: &str, from: &States) {
        let known = self.entry.entry(name.to_owned()).or_default();
        let before = known.len();
        known.extend(from.iter().cloned());
        if known.len() > before {
            self.changed.insert(name.to_owned());
        }
    }

    fn activity(&mut self, name: &str, activity: &Activity<Written>, begins: &States) {
        let Some(entered) = self.entry.get(name).cloned() else { return };
        let entered = if self.parallel { self.closure(&entered) } else { entered };
        let after = self.actions(&activity.actions, entered.clone());
        let waits = !activity.is_automatic() || activity.waits_first() || activity.while_.is_some() || activity.mutex.is_some();
        let later = self.closure(&after);
        // A form that is handed in with the start comes before anybody else.
        let at_once = !self.parallel && entered == *begins && self.is_handed_in_at_start(name, activity);
        let waited = if waits && !at_once { later.clone() } else { after };
        self.actions(&activity.compensate, self.all());
        let mut answered = States::new();
        for (_, dialog) in activity.dialogs.iter() {
            answered.extend(self.dialog(dialog, &waited));
        }
        if let Some(approval) = &activity.approval {
            answered.extend(self.actions(&approval.actions, waited.clone()));
        }
        if answered.is_empty() {
            answered = waited;
        }
        // What completes it in the place of its people, or a vote that ends by itself, comes at any time.
        if activity.approval.is_some() || self.process.completes(name).next().is_some() || activity.process.is_some() {
            answered.extend(later.iter().cloned());
        }
        for timer in &activity.timers {
            let done = self.actions(&timer.actions, later.clone());
            self.branch(timer.next.iter().flat_map(|b| b.targets()), &done);
        }
        for handler in &activity.handlers {
            let done = self.actions(&handler.actions, later.clone());
            self.branch(handler.next.iter().flat_map(|b| b.targets()), &done);
        }
        for (way, branch) in activity.ways() {
            if matches!(way, Way::Outcome(_)) {
                self.branch(branch.targets().into_iter(), &answered);
            }
        }
        for to in activity.reopens().chain(&activity.else_) {
            self.enter(to, &later);
        }
        for (_, group) in self.process.groups.iter().filter(|(_, g)| g.activities.iter().any(|a| *a == name)) {
            for list in group.action_lists() {
                self.actions(list, self.all());
            }
            let all = self.all();
            for to in group.targets() {
                self.enter(to, &all);
            }
        }
    }

    fn branch<'t>(&mut self, targets: impl Iterator<Item = (Option<&'t Transition<Written>>, &'t Target)>, from: &States) {
        for (transition, target) in targets {
            let from = match transition {
                // Tried on a change: at any time.
                Some(t) if t.on.is_some() => self.actions(&t.actions, self.closure(from)),
                Some(t) => self.actions(&t.actions, from.clone()),
                None => from.clone(),
            };
            self.arrive(target, &from);
        }
    }

    fn dialog(&mut self, dialog: &Dialog<Written>, from: &States) -> States {
        let chosen = dialog.fields.iter().any(|f| f.field.as_ref().is_some_and(|n| *n == "state"));
        let from = if chosen { self.closure(from) } else { from.clone() };
        self.actions(&dialog.actions, from)
    }

    /// Whoever starts the process here hands in the form in the same command, and nothing leads back to it.
    fn is_handed_in_at_start(&self, name: &str, activity: &Activity<Written>) -> bool {
        let starts: Vec<Starter> = self.process.starts.iter().filter(|s| s.at_activity == name).map(|s| s.by).collect();
        let is_for = |dialog: &Dialog<Written>, by: Starter| {
            let words = dialog.who.iter().flat_map(|w| w.iter()).filter_map(|w| match w {
                Who::Word(word) => Some(*word),
                _ => None,
            });
            let meant = |word: WhoWord| {
                let own = if by == Starter::Customer { WhoWord::Customer } else { WhoWord::Agent };
                matches!(word, WhoWord::Anyone | WhoWord::Requester) || word == own
            };
            words.into_iter().any(meant)
        };
        let stays = activity.ways().iter().flat_map(|(_, b)| b.targets()).any(|(_, t)| matches!(t, Target::Stay(_)));
        let others = !activity.timers.is_empty() || !activity.handlers.is_empty() || activity.approval.is_some();
        let forms = !activity.dialogs.is_empty() && activity.dialogs.iter().all(|(_, d)| starts.iter().all(|by| is_for(d, *by)));
        !starts.is_empty() && forms && !stays && !others
    }

    /// The states after these actions.
    fn actions(&mut self, actions: &[Action<Written>], from: States) -> States {
        let mut now = from;
        for action in actions {
            let before = now.clone();
            if let Verb::Set(set) = &action.verb
                && let Some(given) = set.get("state")
            {
                match given {
                    ValueExpr::Literal(l) => {
                        let Value::Text(to) = &l.node.value else { continue };
                        let known = self.life.has_state(to) && leads::leads_to(self.life).is_some_and(|all| all.contains(to));
                        if known && !now.is_empty() && !now.iter().any(|s| leads(self.life, s, to)) {
                            self.found.push((l.node.span, now.clone(), to.clone()));
                        }
                        // One that the type does not have was told, and leaves everything possible.
                        now = if self.life.has_state(to) { States::from([to.clone()]) } else { self.all() };
                    }
                    ValueExpr::Expr(_) => now = self.all(),
                }
                // What the life cycle itself does then may set another one.
                if self.life.transitions.iter().flatten().flat_map(|t| with_others(&t.actions)).any(sets_state) {
                    now = self.closure(&now);
                }
            }
            if matches!(action.verb, Verb::Merge(_) | Verb::Start(_) | Verb::Run(_) | Verb::Complete(_) | Verb::Undo(_) | Verb::Emit(_)) {
                now = self.closure(&now);
            }
            if let Some(others) = &action.on_error {
                let other = self.actions(others, before.clone());
                now.extend(other);
            }
            if action.when.is_some() {
                now.extend(before);
            }
        }
        now
    }
}

fn sets_state(action: &Action<Written>) -> bool {
    matches!(&action.verb, Verb::Set(set) if set.get("state").is_some())
}
