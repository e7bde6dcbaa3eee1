//! Content that is removed for good. The history says that it went, who wanted it and why; the rest of it stays proved.

use crate::commands::command_data::ChangesTicket;
use crate::execution::content;
use crate::execution::run::Run;
use crate::rules::rejection::{FormError, Rejection, RightReason};
use crate::rules::rights;
use crate::state::event::{ContentErased, Event};
use crate::state::ids::ArticleId;
use crate::state::people::PersonKind;
use crate::state::text;
use vorgang_definitions::value_error::ValueError;

/// The content that an administrator erases, and where the runtime found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EraseContent {
    pub article: ArticleId,
    /// Subject and text as well as the files.
    pub whole: bool,
    /// Hashes of files, and of the mail as it came.
    pub files: Vec<String>,
    pub reason: String,
    /// The erased pieces of the history: versions, each with the numbers of its pieces.
    pub pieces: Vec<(u64, Vec<u32>)>,
    /// The version for which that was found.
    pub seen: u64,
}

impl ChangesTicket for EraseContent {
    const WORD: &'static str = "erase_content";

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        erase(run, self)
    }
}

/// For administrators. What goes was found for the ticket as it was then: a ticket that has changed since is looked at again.
fn erase(run: &mut Run, wish: &EraseContent) -> Result<(), Rejection> {
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
