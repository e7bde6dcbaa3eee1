//! Full text, in FTS5.

use crate::open::SqliteStore;
use crate::reads::Kind;
use crate::rows::error;
use crate::tables::search::put;
use async_trait::async_trait;
use rusqlite::{Connection, params};
use vorgang_core::ids::{ArticleId, TicketId};
use vorgang_store::Result;
use vorgang_store::words::{Doc, Search, Word, of_texts};

#[async_trait]
impl Search for SqliteStore {
    async fn docs(&self, words: &[Word], newest: bool, beyond: Option<Doc>, limit: u32) -> Result<Vec<Doc>> {
        if words.is_empty() {
            return Ok(vec![]);
        }
        // Words are letters and digits: quoted, nothing in them is an operator.
        let query = words.iter().map(|w| format!("\"{}\"{}", w.text, if w.prefix { "*" } else { "" })).collect::<Vec<_>>().join(" AND ");
        let (compare, order, start) = if newest { ("<", "DESC", i64::MAX) } else { (">", "ASC", i64::MIN) };
        let sql = format!("SELECT rowid FROM search WHERE search MATCH ?1 AND rowid {compare} ?2 ORDER BY rowid {order} LIMIT ?3");
        self.read(Kind::Words, |c| {
            let mut statement = c.prepare_cached(&sql).map_err(error)?;
            let rows = statement.query_map(params![query, beyond.map_or(start, |d| d.0), limit], |r| r.get(0).map(Doc)).map_err(error)?;
            rows.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }

    async fn docs_build(&self, tickets: u32) -> Result<bool> {
        let done: i64 = self.reader().query_row("SELECT up_to FROM search_built", [], |r| r.get(0)).map_err(error)?;
        if done == i64::MAX {
            return Ok(false);
        }
        self.write(false, move |c| build(c, tickets)).await.map(|up_to| up_to != i64::MAX)
    }
}

fn build(c: &Connection, tickets: u32) -> rusqlite::Result<i64> {
    let sql = "SELECT id, number, title FROM ticket WHERE id > (SELECT up_to FROM search_built) ORDER BY id LIMIT ?1";
    let mut statement = c.prepare_cached(sql)?;
    type Row = (i64, String, String);
    let rows: Vec<Row> = statement.query_map([tickets], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?.collect::<rusqlite::Result<_>>()?;
    let mut parts = c.prepare_cached("SELECT name FROM article_part WHERE ticket_id = ?1 AND article_seq = ?2 ORDER BY part")?;
    for (id, number, title) in &rows {
        put(c, Doc::new(TicketId(*id), ArticleId(0), true), &of_texts(&[number, title]))?;
        let mut articles = c.prepare_cached("SELECT seq, visible, subject, body FROM article WHERE ticket_id = ?1")?;
        let mut articles = articles.query([id])?;
        while let Some(r) = articles.next()? {
            let (seq, subject, body): (u32, String, String) = (r.get(0)?, r.get(2)?, r.get(3)?);
            let names: Vec<String> = parts.query_map(params![id, seq], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?;
            let texts = [number, title, &subject, &body].into_iter().chain(&names).map(String::as_str).collect::<Vec<_>>();
            put(c, Doc::new(TicketId(*id), ArticleId(seq), r.get(1)?), &of_texts(&texts))?;
        }
    }
    let up_to = if rows.len() < tickets as usize { i64::MAX } else { rows.last().map_or(i64::MAX, |r| r.0) };
    c.execute("UPDATE search_built SET up_to = ?1", [up_to])?;
    Ok(up_to)
}
