//! The index of words.

use rusqlite::{Connection, params};
use vorgang_core::changes::Changes;
use vorgang_core::ids::{ArticleId, TicketId};
use vorgang_store::words::{Doc, of_texts};

pub fn put(c: &Connection, doc: Doc, words: &str) -> rusqlite::Result<()> {
    c.prepare_cached("INSERT OR REPLACE INTO search (rowid, words) VALUES (?1, ?2)")?.execute(params![doc.0, words]).map(|_| ())
}

/// What a command writes that can be looked for: part of its commit.
pub fn write(c: &Connection, changes: &Changes) -> rusqlite::Result<()> {
    let t = &changes.ticket;
    if changes.created || changes.retitled {
        put(c, Doc::new(t.id, ArticleId(0), true), &of_texts(&[&t.number, &t.title]))?;
    }
    for a in &changes.articles {
        put(c, Doc::new(t.id, a.seq, a.visible), &of_texts(&a.searched(&t.number, &t.title)))?;
    }
    Ok(())
}

/// What customers may no longer find: nothing finds it.
pub fn forget(c: &Connection, ticket: TicketId, article: ArticleId) -> rusqlite::Result<()> {
    put(c, Doc::new(ticket, article, true), "")
}
