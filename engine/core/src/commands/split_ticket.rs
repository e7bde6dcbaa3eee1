use crate::commands::command_data::ChangesTicket;
use crate::commands::create_ticket::NewTicket;
use crate::commands::merge;
use crate::execution::ask;
use crate::execution::content::content;
use crate::execution::run::Run;
use crate::net::new_ticket;
use crate::rules::rejection::{FormError, Rejection};
use crate::rules::rights;
use crate::state::ids::ArticleId;
use vorgang_definitions::actions::link::LinkKind;
use vorgang_definitions::kinds::role::Right;
use vorgang_definitions::value_error::ValueError;

/// Makes a ticket of its own of one message. For agents who may read this ticket and create one where it is to lie.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitTicket {
    pub article: ArticleId,
    pub ticket_type: String,
    pub queue: String,
}

impl ChangesTicket for SplitTicket {
    const WORD: &'static str = "split_ticket";

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        let Self { article, ticket_type, queue } = self;
        rights::require(&run.model.names, run.ctx.actor, &run.snapshot.ticket, Right::Ro)?;
        ask::ask(run, "action", "split", None)?;
        let (articles, _) = content(run);
        let unknown = || Rejection::Form(vec![("article".into(), FormError::Invalid(ValueError::NotOffered(article.to_string())))]);
        let article = articles.into_iter().find(|a| a.seq == *article).ok_or_else(unknown)?;
        let new = NewTicket {
            title: merge::split_title(run, &article),
            ticket_type: ticket_type.to_owned(),
            queue: queue.to_owned(),
            customer_user: run.snapshot.ticket.customer_user.clone(),
            ..NewTicket::default()
        };
        let Some(number) = run.new_number() else { return Ok(()) };
        let ctx = new_ticket::beside(run, number);
        let made = merge::split(run, article, new, Some(LinkKind::Child), &ctx);
        run.made_by_hand(made).map(drop)
    }
}
