//! The new ticket for a message that a customer writes to a closed ticket.

use crate::commands::article;
use crate::commands::article::ArticleInput;
use crate::execution::context::Context;
use crate::execution::decision::Stop;
use crate::execution::run::Run;
use crate::net::new_ticket::{by_mail, complete, made_by};
use crate::state::ids::TicketNumber;
use vorgang_definitions::actions::link::LinkKind;

/// The ticket that takes what a customer writes to a closed one: of the same type and queue, linked to it. Gives its number.
pub(crate) fn follow_up(run: &mut Run, article: ArticleInput, ctx: &Context) -> Result<TicketNumber, Stop> {
    let old = run.snapshot.ticket.clone();
    let title = match article.subject.trim() {
        "" => &*old.title,
        subject => subject,
    };
    let mut new = by_mail(run.model, title, &old.ticket_type, &old.queue, ctx)?;
    new.set("customer_user", old.customer_user.clone().into(), false);
    new.set("customer", old.customer.clone().into(), false);
    let done = complete(&mut new, &old.ticket_type).and_then(|()| article::add_article(&mut new, article));
    let made = new.conclude(done)?;
    Ok(made_by(run, made, Some(LinkKind::Related)))
}
