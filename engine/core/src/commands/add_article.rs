use crate::commands::article::{self, ArticleInput};
use crate::commands::command_data::ChangesTicket;
use crate::commands::follow_up_ticket;
use crate::execution::ask;
use crate::execution::decision::Remark;
use crate::execution::run::Run;
use crate::net::new_ticket;
use crate::rules::follow_up::{self, Fate};
use crate::rules::rejection::{FormError, Rejection};
use crate::rules::rights::{self, Sight};
use crate::state::people::PersonKind;
use vorgang_definitions::kinds::role::Right;

/// An article by a person.
#[derive(Debug, Clone, PartialEq)]
pub struct AddArticle {
    pub article: ArticleInput,
}

impl ChangesTicket for AddArticle {
    const WORD: &'static str = "add_article";

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        let article = &self.article;
        let names = &run.model.names;
        let error = |e: FormError| Rejection::Form(vec![("article".into(), e)]);
        let visible = match run.ctx.actor.kind {
            // Customers can read their own articles.
            PersonKind::Customer => {
                if rights::sight(names, run.ctx.actor, &run.snapshot) != Sight::Customer {
                    return Err(Rejection::NotFound);
                }
                true
            }
            _ => {
                rights::require(names, run.ctx.actor, &run.snapshot.ticket, Right::Note)?;
                article.visible
            }
        };
        let visible = visible || article.mail.is_some();
        ask::ask(run, "action", if visible { "answer" } else { "note" }, None)?;
        if article::is_mute(article) {
            return Err(error(FormError::Required));
        }
        article::check_article(article).map_err(|(name, e)| Rejection::Form(vec![(name.into(), e)]))?;
        let article = ArticleInput { visible, ..article.clone() };
        match run.ctx.actor.kind {
            PersonKind::Customer => follow_up(run, article),
            _ => article::add_article(run, article),
        }
    }
}

/// A customer's message to a closed ticket, treated as the queue's `follow_up` says.
fn follow_up(run: &mut Run, article: ArticleInput) -> Result<(), Rejection> {
    match follow_up::fate(&run.model.names, &run.snapshot.ticket) {
        Fate::Added => article::add_article(run, article),
        Fate::Rejected => {
            run.notice = Some(Remark::Rejected);
            article::add_article(run, ArticleInput { rejected: true, ..article })
        }
        Fate::NewTicket | Fate::Gone => {
            let Some(number) = run.new_number() else { return Ok(()) };
            let ctx = new_ticket::beside(run, number);
            let made = follow_up_ticket::follow_up(run, article, &ctx);
            run.notice = run.made_by_hand(made)?.map(Remark::NewTicket);
            Ok(())
        }
    }
}
