//! Full text, in a tsvector.

use crate::arg::args;
use crate::rows::{committed, error};
use crate::store::PostgresStore;
use crate::tables::search::PUT;
use async_trait::async_trait;
use sqlx::Row;
use std::collections::HashMap;
use vorgang_core::ids::{ArticleId, TicketId};
use vorgang_store::Result;
use vorgang_store::words::{Doc, Search, Word, of_texts};

#[async_trait]
impl Search for PostgresStore {
    async fn docs(&self, words: &[Word], newest: bool, beyond: Option<Doc>, limit: u32) -> Result<Vec<Doc>> {
        if words.is_empty() {
            return Ok(vec![]);
        }
        // Words are letters and digits: quoted, nothing in them is an operator.
        let query = words.iter().map(|w| format!("'{}'{}", w.text, if w.prefix { ":*" } else { "" })).collect::<Vec<_>>().join(" & ");
        let (compare, order, start) = if newest { ("<", "DESC", i64::MAX) } else { (">", "ASC", i64::MIN) };
        let sql = format!("SELECT doc FROM search WHERE words @@ $1::text::tsquery AND doc {compare} $2 ORDER BY doc {order} LIMIT $3");
        // How common a word is decides between its index and a walk from the newest on.
        let rows = self.server.ask_once(sql, args![query, beyond.map_or(start, |d| d.0), limit]).await?;
        rows.iter().map(|r| r.try_get(0).map(Doc).map_err(error)).collect()
    }

    async fn docs_build(&self, tickets: u32) -> Result<bool> {
        let done = self.server.ask("SELECT up_to FROM search_built", vec![]).await?;
        if done.first().is_none_or(|r| r.try_get::<i64, _>(0).is_ok_and(|n| n == i64::MAX)) {
            return Ok(false);
        }
        let mut tx = self.server.begin().await?;
        // Whoever changes one of them meanwhile waits, and puts its words in afterwards.
        let sql = "SELECT id, number, title FROM ticket WHERE id > (SELECT up_to FROM search_built) ORDER BY id LIMIT $1 FOR UPDATE";
        let rows = sqlx::query(sql).bind(i64::from(tickets)).fetch_all(&mut *tx).await.map_err(error)?;
        let mut heads: HashMap<i64, (String, String)> = HashMap::new();
        for r in &rows {
            heads.insert(r.try_get(0).map_err(error)?, (r.try_get(1).map_err(error)?, r.try_get(2).map_err(error)?));
        }
        let mut ids: Vec<i64> = heads.keys().copied().collect();
        ids.sort_unstable();
        let mut docs: Vec<(i64, String)> =
            heads.iter().map(|(id, (number, title))| (Doc::new(TicketId(*id), ArticleId(0), true).0, of_texts(&[number, title]))).collect();
        let sql = "SELECT a.ticket_id, a.seq, a.visible, a.subject, a.body, coalesce((SELECT string_agg(p.name, ' ') FROM article_part p \
             WHERE p.ticket_id = a.ticket_id AND p.article_seq = a.seq), '') FROM article a WHERE a.ticket_id = ANY ($1)";
        for r in sqlx::query(sql).bind(&ids).fetch_all(&mut *tx).await.map_err(error)? {
            let (ticket, seq): (i64, i64) = (r.try_get(0).map_err(error)?, r.try_get(1).map_err(error)?);
            let Some((number, title)) = heads.get(&ticket) else { continue };
            let text = |at: usize| r.try_get::<&str, _>(at).map_err(error);
            let words = of_texts(&[number, title, text(3)?, text(4)?, text(5)?]);
            docs.push((Doc::new(TicketId(ticket), ArticleId(seq as u32), r.try_get(2).map_err(error)?).0, words));
        }
        let (numbers, words): (Vec<i64>, Vec<String>) = docs.into_iter().unzip();
        let put = PUT.replace("{}", "$1::bigint[], $2::text[]");
        sqlx::query(sqlx::AssertSqlSafe(put)).bind(numbers).bind(words).execute(&mut *tx).await.map_err(error)?;
        let up_to = if ids.len() < tickets as usize { i64::MAX } else { ids.last().copied().unwrap_or(i64::MAX) };
        sqlx::query("UPDATE search_built SET up_to = $1").bind(up_to).execute(&mut *tx).await.map_err(error)?;
        committed(tx).await?;
        Ok(up_to != i64::MAX)
    }
}
