//! The life cycle of a ticket type.

use crate::check::action_list::{self, ActionPlace};
use crate::check::context::Cx;
use crate::check::leads::leads_to;
use crate::check::place::{self, Relies};
use crate::check::{env, texts};
use crate::diagnostic::Diagnostic;
use crate::kinds::ticket_type::TicketType;
use crate::names::Names;
use crate::phase::Written;
use crate::values::Slot;
use std::collections::BTreeSet;

pub fn check(ticket_type: &TicketType<Written>, cx: &mut Cx) {
    let names = cx.names;
    texts::text(ticket_type.title.as_ref(), cx);
    let mut fields = BTreeSet::new();
    for f in &ticket_type.fields {
        match names.fields.get(&f.field) {
            None => cx.unknown("field", &f.field, names.fields.iter().map(|f| f.name.as_str())),
            Some(field) => {
                if !fields.insert(f.field.to_string()) {
                    cx.push(Diagnostic::error("duplicate-key", f.field.span, format!("field `{}` is listed twice", f.field)));
                }
                if let Some(default) = &f.default {
                    let env = env::with_ticket(names, None);
                    place::value(default, &Slot::Field(field), &env, &mut Relies::new(), cx);
                }
            }
        }
    }
    for state in ticket_type.states.iter() {
        if names.states.get(state).is_none() {
            cx.unknown("state", state, names.states.iter().map(|s| s.name.as_str()));
        }
    }
    let states: BTreeSet<String> = ticket_type.states.iter().map(ToString::to_string).collect();
    let leads_to = leads_to(ticket_type);
    for transition in ticket_type.transitions.iter().flatten() {
        for state in transition.from.iter().chain(transition.to.iter()) {
            if !states.contains(state.as_str()) {
                cx.unknown(&format!("state of `{}`", ticket_type.name), state, states.iter().map(String::as_str));
            }
        }
        let env = env::with_ticket(names, Some(ticket_type));
        if let Some(by) = &transition.by {
            place::whos(by, &env, &mut Relies::new(), cx);
        }
        place::condition(transition.when.as_ref(), &env, &mut Relies::new(), cx);
        let mut place = ActionPlace {
            env,
            fields: Some(&fields),
            ticket_type: Some(&ticket_type.name),
            states: leads_to.as_ref(),
            data: None,
            waits: false,
        };
        action_list::actions(&transition.actions, &mut place, &mut Relies::new(), cx);
    }
    reachable(ticket_type, names, cx);
}

fn reachable(ticket_type: &TicketType<Written>, names: &Names<Written>, cx: &mut Cx) {
    let Some(transitions) = &ticket_type.transitions else { return };
    let mut found: BTreeSet<&str> = names.initial_states(ticket_type).collect();
    loop {
        let next: BTreeSet<&str> = transitions
            .iter()
            .filter(|t| t.from.iter().any(|f| found.contains(f.as_str())))
            .flat_map(|t| t.to.iter().map(|s| s.as_str()))
            .filter(|s| !found.contains(s))
            .collect();
        if next.is_empty() {
            break;
        }
        found.extend(next);
    }
    for state in ticket_type.states.iter().filter(|s| names.states.get(s).is_some() && !found.contains(s.as_str())) {
        let d = Diagnostic::error("state-unreachable", state.span, format!("no transition leads to `{state}`"));
        cx.push(d.help(format!("tickets begin in a new or open state; from there add `{{ from: …, to: {state} }}`")));
    }
}
