//! Jobs: whom they mean, and what they do.

use crate::cel::env::Env;
use crate::check::action_list::{self, ActionPlace};
use crate::check::context::Cx;
use crate::check::place::{self, Relies};
use crate::check::{env, handler, states, texts};
use crate::diagnostic::Diagnostic;
use crate::kinds::job::Job;
use crate::names::Names;
use crate::phase::{Phase, Written};

pub fn check(job: &Job<Written>, cx: &mut Cx) {
    texts::text(job.title.as_ref(), cx);
    place::condition(Some(&job.condition), &over_tickets(cx.names), &mut Relies::new(), cx);
    handler::names(job.on.as_deref().unwrap_or_default(), cx);
    if job.actions.is_empty() {
        cx.push(Diagnostic::error("missing-key", job.name.span, "a job does something: it needs `do`"));
    }
    if job.times.is_none() && job.missed.is_some() {
        cx.push(Diagnostic::error("unknown-key", job.name.span, "`missed` belongs to a schedule, and there is no `at`"));
    }
    let mut place =
        ActionPlace { env: env::with_ticket(cx.names, None), fields: None, ticket_type: None, states: None, data: None, waits: false };
    states::where_it_holds(Some(&job.condition), &job.actions, &over_tickets(cx.names), cx);
    action_list::actions(&job.actions, &mut place, &mut Relies::new(), cx);
}

/// A condition over many tickets: what is unset on one of them leaves that one out (C29), so nothing has to be guarded.
pub fn over_tickets<S: Phase>(names: &Names<S>) -> Env {
    let mut env = env::with_ticket(names, None);
    let attributes = ["owner", "responsible", "customer", "customer_user", "pending_until"];
    env.set.extend(attributes.iter().map(|a| format!("ticket.{a}")));
    env.set.extend(names.fields.iter().map(|f| format!("ticket.fields.{}", f.name)));
    env
}
