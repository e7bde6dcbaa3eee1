//! The new ticket for a message that a customer writes to a closed ticket.

use crate::commands::article;
use crate::execution::command::ArticleInput;
use crate::execution::context::Context;
use crate::execution::run::Run;
use crate::net::new_ticket::{by_mail, complete, made_by};
use crate::rules::rejection::Rejection;
use vorgang_definitions::actions::link::LinkKind;

/// The ticket that takes what a customer writes to a closed one: of the same type and queue, linked to it. Gives its number.
pub(crate) fn follow_up(run: &mut Run, article: ArticleInput, ctx: &Context) -> Result<String, Rejection> {
    let old = run.snapshot.ticket.clone();
    let title = match article.subject.trim() {
        "" => &*old.title,
        subject => subject,
    };
    let mut new = by_mail(run.model, title, &old.ticket_type, &old.queue, ctx)?;
    new.set("customer_user", old.customer_user.clone().into(), false);
    new.set("customer", old.customer.clone().into(), false);
    complete(&mut new, &old.ticket_type)?;
    article::add_article(&mut new, article)?;
    let made = new.finish()?;
    Ok(made_by(run, made, Some(LinkKind::Related)))
}
