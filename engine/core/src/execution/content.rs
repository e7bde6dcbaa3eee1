//! Articles and links of the ticket of a run.

use crate::execution::run::Run;
use crate::state::article::Article;
use crate::state::event::{ArticleAdded, Event, LinkAdded, LinkRemoved};
use crate::state::linked::Linked;

/// Everything that was written on the ticket so far, and what is linked to it.
pub(crate) fn content(run: &mut Run) -> (Vec<Article>, Vec<Linked>) {
    let stored = run.stored.and_then(|t| run.known(run.ctx.facts.content(&t.number)).flatten());
    let (mut articles, mut links) = stored.map(|c| (c.articles.clone(), c.links.clone())).unwrap_or_default();
    for event in &run.events {
        match event {
            Event::ArticleAdded(ArticleAdded { article }) => articles.push(article.clone()),
            Event::LinkAdded(LinkAdded { other, number, kind, .. }) => {
                links.push(Linked { id: *other, number: number.clone(), kind: kind.clone() });
            }
            Event::LinkRemoved(LinkRemoved { other, kind, .. }) => links.retain(|l| l.id != *other || l.kind != *kind),
            _ => {}
        }
    }
    (articles, links)
}
