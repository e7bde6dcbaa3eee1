use crate::commands::create_ticket;
use crate::execution::at::At;
use crate::execution::command::{ArticleInput, NewTicket};
use crate::execution::evaluate::{render, value};
use crate::execution::run::Run;
use crate::net::new_ticket::within;
use crate::rules::failure::Failure;
use crate::rules::rejection::say;
use crate::state::people;
use std::collections::BTreeMap;
use vorgang_definitions::actions::create::Create;
use vorgang_definitions::actions::set::Set;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::name::Name;
use vorgang_definitions::value_expr::ValueExpr;

/// The new ticket is part of the same commit.
pub fn run(run: &mut Run, create: &Create, name: Option<&Name>, at: At) -> Result<(), Failure> {
    let article = create.article.as_ref().map(|t| render(run, t, at)).transpose()?;
    let title = render(run, &create.title, at)?;
    let customer = run.snapshot.ticket.customer_user.clone();
    let values = |given: &ValueExpr| value(run, given, at);
    let mut new = described(title, &create.ticket_type, &create.queue, &create.values, customer, values)?;
    new.article = article.map(|body| ArticleInput { body, visible: true, ..ArticleInput::default() });
    let system = people::system();
    let ctx = within(run, &system)?;
    let number = create_ticket::beside(run, &new, create.link, &ctx).map_err(|r| Failure::new("create", say(&r)))?;
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
