//! What happens to the desk and not to a ticket: people, definitions. Handlers make tickets of it.

use crate::actions::create;
use crate::commands::create_ticket;
use crate::dispatch;
use crate::execution::command::ArticleInput;
use crate::execution::context::Context;
use crate::execution::decision::Decision;
use crate::net::new_ticket;
use crate::rules::failure::Failure;
use crate::rules::rejection;
use crate::rules::scope::CommonScope;
use crate::state::people::{Person, PersonKind};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use vorgang_definitions::actions::Verb;
use vorgang_definitions::calendar::WorkTime;
use vorgang_definitions::cel::expr::Expr;
use vorgang_definitions::cel::scope::Scope;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::model::Model;
use vorgang_definitions::template::Template;
use vorgang_definitions::value_expr::ValueExpr;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum DeskEvent {
    PersonCreated { person: Somebody },
    PersonChanged { person: Somebody },
    DefinitionsApplied { revision: i64, by: String },
}

/// What handlers see of a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Somebody {
    pub login: String,
    pub name: String,
    pub email: String,
    pub company: String,
    pub kind: PersonKind,
    pub active: bool,
}

impl From<&Person> for Somebody {
    fn from(p: &Person) -> Self {
        Self {
            login: p.login.clone(),
            name: p.name.clone(),
            email: p.email.clone(),
            company: p.company.clone().unwrap_or_default(),
            kind: p.kind,
            active: p.active,
        }
    }
}

impl DeskEvent {
    /// The names of all.
    pub const PEOPLE: [&'static str; 2] = ["person.created", "person.changed"];
    pub const DEFINITIONS: &'static str = "definitions.applied";

    /// As in `on:`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::PersonCreated { .. } => Self::PEOPLE[0],
            Self::PersonChanged { .. } => Self::PEOPLE[1],
            Self::DefinitionsApplied { .. } => Self::DEFINITIONS,
        }
    }

    fn part(&self, part: &str) -> Option<Value> {
        let text = |t: &str| Some(Value::text(t));
        match (self, part) {
            (_, "name") => text(self.name()),
            (Self::PersonCreated { person } | Self::PersonChanged { person }, part) => match part {
                "person" => text(&person.login),
                "title" => text(&person.name),
                "email" => text(&person.email),
                "company" => text(&person.company),
                "kind" => text(person.kind.word()),
                "active" => Some(Value::Bool(person.active)),
                _ => None,
            },
            (Self::DefinitionsApplied { revision, .. }, "revision") => Some(Value::Int(*revision)),
            (Self::DefinitionsApplied { by, .. }, "by") => text(by),
            _ => None,
        }
    }
}

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

/// The tickets that the site's handlers make of it, the first with the others within; `None` where there are none.
pub fn decide(model: &Model, event: &DeskEvent, ctx: &Context) -> Result<Option<Decision>, Failure> {
    let scope = DeskScope { common: CommonScope { names: &model.names, now: ctx.now }, event };
    let fails = |e: &Expr, error| Failure::of_expression(e, &error, &scope);
    let holds = |when: &Option<Expr>| when.as_ref().map_or(Ok(true), |w| w.program().holds(&scope).map_err(|e| fails(w, e)));
    let value = |given: &ValueExpr| match given {
        ValueExpr::Literal(l) => Ok(l.get().cloned()),
        ValueExpr::Expr(e) => e.program().evaluate(&scope).map(Some).map_err(|error| fails(e, error)),
    };
    let language = model.names.site.main_language();
    let text = |t: &Template| t.render(language, language, &scope).map_err(|m| Failure::new("template", m));
    let mut made: Vec<Decision> = vec![];
    for handler in model.handlers.get(event.name()).into_iter().flatten() {
        // Who failed is said: there is no ticket that would show it.
        let of = |failure: Failure| Failure { message: format!("{}: {}", handler.name, failure.message), ..failure };
        if !holds(&handler.when).map_err(of)? {
            continue;
        }
        for action in &handler.actions {
            let Verb::Create(create) = &action.verb else { continue };
            if !holds(&action.when).map_err(of)? {
                continue;
            }
            let mut new =
                create::described(text(&create.title).map_err(of)?, &create.ticket_type, &create.queue, &create.values, None, value)
                    .map_err(of)?;
            let article = create.article.as_ref().map(text).transpose().map_err(of)?;
            new.article = article.map(|body| ArticleInput { body, visible: true, ..ArticleInput::default() });
            let number = new_ticket::number(ctx)?;
            let ctx = Context { new_ticket: Some(number), ..ctx.clone() };
            made.push(create_ticket::ticket(model, &new, &ctx).map_err(|r| of(Failure::new("create", rejection::say(&r))))?);
        }
    }
    let mut made = made.into_iter();
    let Some(mut first) = made.next() else { return Ok(None) };
    first.made.extend(made);
    dispatch::settle(model, &mut first, ctx).map_err(|r| Failure::new("create", r.say("en")))?;
    Ok(Some(first))
}
