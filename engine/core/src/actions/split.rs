use crate::commands::{create_ticket, merge};
use crate::execution::at::At;
use crate::execution::evaluate::{render, value};
use crate::execution::run::Run;
use crate::net::new_ticket;
use crate::rules::failure::Failure;
use crate::state::event::{ArticleAdded, Event};
use crate::state::people;
use vorgang_definitions::actions::link::LinkKind;
use vorgang_definitions::actions::split::Split;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::name::Name;
use vorgang_definitions::value_expr::ValueExpr;

/// The message is the one that the handler is there for.
pub fn perform(run: &mut Run, split: &Split, name: Option<&Name>, at: At) -> Result<(), Failure> {
    let article = match run.happening().map(|h| &h.event) {
        Some(Event::ArticleAdded(ArticleAdded { article })) => article.clone(),
        _ => return Err(Failure::new("split", "there is no message here")),
    };
    let title = match &split.title {
        Some(title) => render(run, title, at)?,
        None => merge::split_title(run, &article),
    };
    let customer = run.snapshot.ticket.customer_user.clone();
    let values = |given: &ValueExpr| value(run, given, at);
    let new = create_ticket::described(title, &split.ticket_type, &split.queue, &split.values, customer, values)?;
    let (system, link) = (people::system(), split.link.unwrap_or(LinkKind::Child));
    let ctx = new_ticket::within(run, &system)?;
    let number = merge::split(run, article, new, Some(link), &ctx).map_err(|stop| run.not_made("split", stop))?;
    if let Some(name) = name {
        run.named.insert(name.to_string(), Value::text(number.as_str()));
    }
    Ok(())
}
