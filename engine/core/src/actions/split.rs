use super::{create, render, value};
use crate::decide::merge;
use crate::decide::run::{Failure, Run};
use crate::event::Event;
use crate::snapshot::Seq;
use vorgang_definitions::actions::link::LinkKind;
use vorgang_definitions::actions::split::Split;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::name::Name;
use vorgang_definitions::value_expr::ValueExpr;

/// The message is the one that the handler is there for.
pub fn run(run: &mut Run, split: &Split, name: Option<&Name>, instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
    let article = match run.happening().map(|h| &h.event) {
        Some(Event::ArticleAdded { article }) => article.clone(),
        _ => return Err(Failure::new("split", "there is no message here")),
    };
    let title = match &split.title {
        Some(title) => render(run, title, instance, work)?,
        None => merge::split_title(run, &article),
    };
    let customer = run.snapshot.ticket.customer_user.clone();
    let values = |given: &ValueExpr| value(run, given, instance, work);
    let new = create::described(title, &split.ticket_type, &split.queue, &split.values, customer, values)?;
    let (system, link) = (crate::people::system(), split.link.unwrap_or(LinkKind::Child));
    let ctx = create::within(run, &system)?;
    let number = merge::split(run, article, new, Some(link), &ctx).map_err(|r| Failure::new("split", create::say(&r)))?;
    if let Some(name) = name {
        run.named.insert(name.to_string(), Value::text(number.as_str()));
    }
    Ok(())
}
