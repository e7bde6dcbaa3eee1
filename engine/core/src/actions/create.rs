use crate::commands::article::ArticleInput;
use crate::commands::create_ticket;
use crate::execution::at::At;
use crate::execution::evaluate::{render, value};
use crate::execution::run::Run;
use crate::net::new_ticket::within;
use crate::rules::failure::Failure;
use crate::state::people;
use vorgang_definitions::actions::create::Create;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::name::Name;
use vorgang_definitions::value_expr::ValueExpr;

/// The new ticket is part of the same commit.
pub fn perform(run: &mut Run, create: &Create, name: Option<&Name>, at: At) -> Result<(), Failure> {
    let article = create.article.as_ref().map(|t| render(run, t, at)).transpose()?;
    let title = render(run, &create.title, at)?;
    let customer = run.snapshot.ticket.customer_user.clone();
    let values = |given: &ValueExpr| value(run, given, at);
    let mut new = create_ticket::described(title, &create.ticket_type, &create.queue, &create.values, customer, values)?;
    new.article = article.map(|body| ArticleInput { body, visible: true, ..ArticleInput::default() });
    let system = people::system();
    let ctx = within(run, &system)?;
    let number = create_ticket::beside(run, &new, create.link, &ctx).map_err(|stop| run.not_made("create", stop))?;
    if let Some(name) = name {
        run.named.insert(name.to_string(), Value::text(number.as_str()));
    }
    Ok(())
}
