use super::{render, value};
use crate::command::{ArticleInput, Context, NewTicket};
use crate::decide::create;
use crate::decide::run::{Failure, Run};
use crate::people::{self, Person};
use crate::snapshot::Seq;
use std::collections::BTreeMap;
use vorgang_definitions::actions::create::Create;
use vorgang_definitions::actions::set::Set;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::name::Name;
use vorgang_definitions::value_expr::ValueExpr;

/// How deep tickets may make tickets in one command.
const DEPTH_MAX: u8 = 8;

/// The new ticket is part of the same commit.
pub fn run(run: &mut Run, create: &Create, name: Option<&Name>, instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
    let article = create.article.as_ref().map(|t| render(run, t, instance, work)).transpose()?;
    let title = render(run, &create.title, instance, work)?;
    let customer = run.snapshot.ticket.customer_user.clone();
    let values = |given: &ValueExpr| value(run, given, instance, work);
    let mut new = described(title, &create.ticket_type, &create.queue, &create.values, customer, values)?;
    new.article = article.map(|body| ArticleInput { body, visible: true, ..ArticleInput::default() });
    let system = people::system();
    let ctx = within(run, &system)?;
    let number = create::beside(run, &new, create.link, &ctx).map_err(|r| Failure::new("create", say(&r)))?;
    if let Some(name) = name {
        run.named.insert(name.to_string(), Value::text(number.as_str()));
    }
    Ok(())
}

/// The new ticket without its first message.
pub fn described(
    title: String,
    ticket_type: &Name,
    queue: &Name,
    values: &Set,
    customer: Option<String>,
    value: impl Fn(&ValueExpr) -> Result<Option<Value>, Failure>,
) -> Result<NewTicket, Failure> {
    let mut fields = BTreeMap::new();
    for (key, given) in values.iter() {
        if let Some(v) = value(given)? {
            fields.insert(key.to_string(), v.to_json());
        }
    }
    let mut text = |key: &str| fields.remove(key).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    let (state, priority) = (text("state"), text("priority"));
    let customer_user = text("customer_user").or(customer);
    let (title, ticket_type, queue) = (title.replace(['\r', '\n'], " "), ticket_type.to_string(), queue.to_string());
    Ok(NewTicket { title, ticket_type, queue, state, priority, customer_user, fields, ..NewTicket::default() })
}

/// For a ticket that is made by this one, under a number of its own.
pub fn within<'a>(run: &Run<'a>, system: &'a Person) -> Result<Context<'a>, Failure> {
    if run.ctx.depth >= DEPTH_MAX {
        return Err(Failure::new("loop", format!("more than {DEPTH_MAX} tickets would make each other")));
    }
    let number = number(run.ctx)?;
    Ok(Context {
        actor: system,
        new_ticket: Some(number),
        changed_since: None,
        given: run.given(),
        depth: run.ctx.depth + 1,
        ..run.ctx.clone()
    })
}

/// For a ticket that an action makes.
pub fn number(ctx: &Context) -> Result<(i64, String), Failure> {
    ctx.facts.number().ok_or_else(|| Failure::new("create", "there is no number for a new ticket yet"))
}

pub fn say(rejection: &crate::rejection::Rejection) -> String {
    match rejection {
        crate::rejection::Rejection::Form(errors) => {
            errors.iter().map(|(f, e)| format!("{f} {}", e.say("en"))).collect::<Vec<_>>().join("; ")
        }
        other => other.say("en"),
    }
}
