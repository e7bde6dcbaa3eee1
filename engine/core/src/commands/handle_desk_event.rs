//! Handlers of the site for events of the desk, which make tickets.

use crate::commands::article::ArticleInput;
use crate::commands::command_data::CreatesTicket;
use crate::commands::create_ticket;
use crate::execution::context::Context;
use crate::execution::decision::{Decision, Stop, tickets_created};
use crate::net::new_ticket;
use crate::rules::failure::Failure;
use crate::rules::rejection::Rejection;
use crate::rules::scope::CommonScope;
use crate::state::desk_event::DeskEvent;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use vorgang_definitions::actions::Verb;
use vorgang_definitions::calendar::WorkTime;
use vorgang_definitions::cel::expr::Expr;
use vorgang_definitions::cel::scope::Scope;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::model::Model;
use vorgang_definitions::template::Template;
use vorgang_definitions::value_expr::ValueExpr;

struct DeskScope<'a> {
    common: CommonScope<'a>,
    event: &'a DeskEvent,
}

impl Scope for DeskScope<'_> {
    fn get(&self, path: &[Box<str>]) -> Option<Value> {
        match path {
            [root, part, ..] if &**root == "event" => self.event.part(part),
            _ => self.common.get(path),
        }
    }

    fn now(&self) -> Timestamp {
        self.common.now()
    }

    fn zone(&self) -> &TimeZone {
        self.common.zone()
    }

    fn work_time(&self, name: Option<&str>) -> Option<&WorkTime> {
        self.common.work_time(name)
    }
}

/// The site's handlers make tickets of an event of the desk: the first with the others within.
///
/// Refused as [`Rejection::Unheard`] where no handler makes a ticket, and as [`Rejection::Failed`] where one fails.
#[derive(Debug, Clone, PartialEq)]
pub struct HandleDeskEvent {
    pub event: DeskEvent,
}

impl CreatesTicket for HandleDeskEvent {
    const WORD: &'static str = "handle_desk_event";
    const INTERNAL: bool = true;
    const NUMBERS: usize = 1;

    fn decide(&self, model: &Model, ctx: &Context) -> Result<Decision, Stop> {
        tickets(model, &self.event, ctx)
    }
}

fn tickets(model: &Model, event: &DeskEvent, ctx: &Context) -> Result<Decision, Stop> {
    let scope = DeskScope { common: CommonScope { names: &model.names, now: ctx.now }, event };
    let fails = |e: &Expr, error| Failure::of_expression(e, &error, &scope);
    let holds = |when: &Option<Expr>| when.as_ref().map_or(Ok(true), |w| w.program().holds(&scope).map_err(|e| fails(w, e)));
    let value = |given: &ValueExpr| match given {
        ValueExpr::Literal(l) => Ok(l.value().cloned()),
        ValueExpr::Expr(e) => e.program().evaluate(&scope).map(Some).map_err(|error| fails(e, error)),
    };
    let language = model.names.site.main_language();
    let text = |t: &Template| t.render(language, language, &scope).map_err(|m| Failure::new("template", m));
    let mut made: Vec<Decision> = vec![];
    for handler in model.handlers.get(event.name()).into_iter().flatten() {
        // The refusal names the handler: there is no ticket that would show an incident.
        let of = |failure: Failure| Rejection::Failed(format!("{}: {}", handler.name, failure.with_values()));
        if !holds(&handler.when).map_err(of)? {
            continue;
        }
        for action in &handler.actions {
            let Verb::Create(create) = &action.verb else { continue };
            if !holds(&action.when).map_err(of)? {
                continue;
            }
            let mut new =
                create_ticket::described(text(&create.title).map_err(of)?, &create.ticket_type, &create.queue, &create.values, None, value)
                    .map_err(of)?;
            let article = create.article.as_ref().map(text).transpose().map_err(of)?;
            new.article = article.map(|body| ArticleInput { body, visible: true, ..ArticleInput::default() });
            let taken = tickets_created(&made);
            let number = ctx.facts.number(taken)?.ok_or_else(|| of(new_ticket::too_many()))?;
            let ctx = Context { new_ticket: Some(number), numbers_taken: taken + 1, ..ctx.clone() };
            made.push(create_ticket::ticket(model, &new, &ctx).map_err(|stop| match stop {
                Stop::Refused(rejection) => of(Failure::new("create", rejection.say("en"))).into(),
                Stop::Needs(look_ups) => Stop::Needs(look_ups),
            })?);
        }
    }
    let mut made = made.into_iter();
    let mut first = made.next().ok_or(Rejection::Unheard)?;
    first.made.extend(made);
    Ok(first)
}
