//! What was written on tickets, and the files.

use crate::open::SqliteStore;
use crate::reads::Kind;
use crate::rows::{self, error, time, word};
use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};
use vorgang_core::article::{Article, Sender};
use vorgang_core::attachment::Attachment;
use vorgang_core::ids::{ArticleId, TicketId, TicketNumber};
use vorgang_store::{Articles, Result};

#[async_trait]
impl Articles for SqliteStore {
    async fn article_page(&self, ticket: TicketId, after: ArticleId, visible: bool, limit: u32) -> Result<Vec<Article>> {
        self.read(Kind::Articles, |c| {
            let sql = "SELECT seq, channel, sender, author, visible, subject, body, created, origin, head, withdrawn, rejected, erased FROM article \
                 WHERE ticket_id = ?1 AND seq > ?2 AND (visible OR NOT ?3) ORDER BY seq LIMIT ?4";
            let mut statement = c.prepare_cached(sql).map_err(error)?;
            let article = |r: &rusqlite::Row| {
                Ok(Article {
                    seq: r.get(0).map(ArticleId)?,
                    channel: r.get(1)?,
                    sender: word(r, 2, Sender::from_word)?,
                    author: r.get(3)?,
                    visible: r.get(4)?,
                    subject: r.get(5)?,
                    body: r.get(6)?,
                    attachments: vec![],
                    at: time(r.get(7)?)?,
                    origin: r.get::<_, Option<String>>(8)?.map(TicketNumber::from),
                    head: r.get::<_, Option<String>>(9)?.map(|h| rows::json(&h)).transpose()?,
                    withdrawn: r.get(10)?,
                    rejected: r.get(11)?,
                    erased: r.get::<_, Option<String>>(12)?.map(|e| rows::json(&e)).transpose()?,
                })
            };
            let mut articles: Vec<Article> =
                statement.query_map(params![ticket.0, after.0, visible, limit], article).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)?;
            let Some(last) = articles.last().map(|a| a.seq) else { return Ok(articles) };
            let sql = "SELECT article_seq, name, content_type, size, blob_hash FROM article_part \
                 WHERE ticket_id = ?1 AND article_seq > ?2 AND article_seq <= ?3 ORDER BY article_seq, part";
            let mut statement = c.prepare_cached(sql).map_err(error)?;
            let mut rows = statement.query(params![ticket.0, after.0, last.0]).map_err(error)?;
            while let Some(r) = rows.next().map_err(error)? {
                let seq: u32 = r.get(0).map_err(error)?;
                let attachment = Attachment {
                    name: r.get(1).map_err(error)?,
                    content_type: r.get(2).map_err(error)?,
                    size: r.get::<_, i64>(3).map_err(error)? as u64,
                    blob: r.get(4).map_err(error)?,
                };
                if let Some(a) = articles.iter_mut().find(|a| a.seq == ArticleId(seq)) {
                    a.attachments.push(attachment);
                }
            }
            Ok(articles)
        })
        .await
    }

    async fn blob(&self, hash: &str) -> Result<Option<Vec<u8>>> {
        let inline = self.reader().query_row("SELECT bytes FROM blob WHERE hash = ?1", [hash], |r| r.get(0)).optional().map_err(error)?;
        match (inline, &self.files) {
            (None, Some(files)) => files.get(hash).await,
            (inline, _) => Ok(inline),
        }
    }
}
