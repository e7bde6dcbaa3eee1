//! What was written on tickets, and the files.

use crate::arg::args;
use crate::rows::{error, json, time, word};
use crate::store::PostgresStore;
use async_trait::async_trait;
use sqlx::Row;
use vorgang_core::article::{Article, Sender};
use vorgang_core::attachment::Attachment;
use vorgang_core::ids::{ArticleId, Seq, TicketId, TicketNumber};
use vorgang_store::{Articles, Result};

#[async_trait]
impl Articles for PostgresStore {
    async fn article_page(&self, ticket: TicketId, after: ArticleId, visible: bool, limit: u32) -> Result<Vec<Article>> {
        let sql = "SELECT seq, channel, sender, author, visible, subject, body, created, origin, head, withdrawn, rejected, erased, \
             (SELECT json_agg(json_build_array(name, content_type, size, blob_hash) ORDER BY part)::text FROM article_part p \
             WHERE p.ticket_id = a.ticket_id AND p.article_seq = a.seq) FROM article a WHERE ticket_id = $1 AND seq > $2 AND (visible OR NOT $3) ORDER BY seq LIMIT $4";
        let mut articles = vec![];
        for r in self.server.ask(sql, args![ticket, i64::from(after.0), visible, limit]).await? {
            let parts: Option<&str> = r.try_get(13).map_err(error)?;
            let parts: Vec<(String, String, u64, String)> = parts.map_or(Ok(vec![]), json)?;
            let attachment = |(name, content_type, size, blob)| Attachment { name, content_type, size, blob };
            articles.push(Article {
                seq: ArticleId(r.try_get::<i64, _>(0).map_err(error)? as Seq),
                channel: r.try_get(1).map_err(error)?,
                sender: word(&r, 2, Sender::from_word).map_err(error)?,
                author: r.try_get(3).map_err(error)?,
                visible: r.try_get(4).map_err(error)?,
                subject: r.try_get(5).map_err(error)?,
                body: r.try_get(6).map_err(error)?,
                attachments: parts.into_iter().map(attachment).collect(),
                at: r.try_get(7).and_then(time).map_err(error)?,
                origin: r.try_get::<Option<String>, _>(8).map(|n| n.map(TicketNumber::from)).map_err(error)?,
                head: r.try_get::<Option<&str>, _>(9).map_err(error)?.map(json).transpose()?,
                withdrawn: r.try_get(10).map_err(error)?,
                rejected: r.try_get(11).map_err(error)?,
                erased: r.try_get::<Option<&str>, _>(12).map_err(error)?.map(json).transpose()?,
            });
        }
        Ok(articles)
    }

    async fn blob(&self, hash: &str) -> Result<Option<Vec<u8>>> {
        let rows = self.server.ask("SELECT bytes FROM blob WHERE hash = $1", args![hash]).await?;
        match (rows.first(), &self.files) {
            (None, Some(files)) => files.get(hash).await,
            (row, _) => row.map(|r| r.try_get(0).map_err(error)).transpose(),
        }
    }
}
