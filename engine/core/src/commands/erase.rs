//! Content that is removed for good. The history says that it went, who wanted it and why; the rest of it stays proved.

use crate::execution::command::EraseContent;
use crate::execution::content;
use crate::execution::run::Run;
use crate::rules::rejection::{FormError, Rejection, RightReason};
use crate::rules::rights;
use crate::state::event::{ContentErased, Event};
use crate::state::people::PersonKind;
use crate::state::text;
use vorgang_definitions::value_error::ValueError;

/// For administrators. What goes was found for the ticket as it was then: a ticket that has changed since is looked at again.
pub fn erase(run: &mut Run, wish: &EraseContent) -> Result<(), Rejection> {
    // The system: somebody at the command line of the server.
    if !rights::is_admin(&run.model.names, run.ctx.actor) && run.ctx.actor.kind != PersonKind::System {
        return Err(Rejection::Right(RightReason::AdminOnly));
    }
    if run.snapshot.version != wish.seen {
        return Err(Rejection::Stale);
    }
    if text::is_blank(&wish.reason) {
        return Err(Rejection::Form(vec![("reason".into(), FormError::Required)]));
    }
    let (articles, _) = content::content(run);
    let unknown = || Rejection::Form(vec![("article".into(), FormError::Invalid(ValueError::NotOffered(wish.article.to_string())))]);
    let article = articles.iter().find(|a| a.seq == wish.article).ok_or_else(unknown)?;
    let there = |hash: &String| {
        article.attachments.iter().any(|f| f.blob == *hash) || article.head.as_ref().is_some_and(|h| h.raw.as_ref() == Some(hash))
    };
    if !wish.files.iter().all(there) || (wish.files.is_empty() && !wish.whole) {
        return Err(unknown());
    }
    run.emit(Event::ContentErased(ContentErased {
        article: wish.article,
        whole: wish.whole,
        files: wish.files.clone(),
        reason: text::visible(&wish.reason),
        by: run.ctx.actor.login.clone(),
        at: run.ctx.now,
        pieces: wish.pieces.clone(),
    }));
    Ok(())
}
