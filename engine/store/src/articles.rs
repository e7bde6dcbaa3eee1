//! What was written on tickets, and the files.

use crate::Result;
use async_trait::async_trait;
use vorgang_core::article::Article;
use vorgang_core::ids::{ArticleId, TicketId};

#[async_trait]
pub trait Articles: Send + Sync {
    /// The first articles behind this one, in their order: all, or only those that customers see.
    async fn article_page(&self, ticket: TicketId, after: ArticleId, visible: bool, limit: u32) -> Result<Vec<Article>>;
    async fn article_list(&self, ticket: TicketId) -> Result<Vec<Article>> {
        self.article_page(ticket, ArticleId(0), false, u32::MAX).await
    }
    async fn blob(&self, hash: &str) -> Result<Option<Vec<u8>>>;
}
