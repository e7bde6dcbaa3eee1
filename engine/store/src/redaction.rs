//! What of a ticket's rows is written again when content is erased: part of the commit that says so.

use crate::Result;
use async_trait::async_trait;
use vorgang_core::article::Article;
use vorgang_core::ids::{IncidentId, TicketId};

/// Rows as they are without the content. Made from rows of the version that the commit expects.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Redaction {
    /// (version, personal content), without any where the row's format has no pieces.
    pub history: Vec<(u64, Option<String>)>,
    /// The article as it is left.
    pub article: Option<Article>,
    /// (number, JSON)
    pub incidents: Vec<(IncidentId, String)>,
    /// Mails: (id, payload). Those that have not gone out do not.
    pub outbox: Vec<(i64, String)>,
    /// (id, subject, body)
    pub notifications: Vec<(i64, String, String)>,
    /// Hashes of contents that go, where nothing else names them.
    pub blobs: Vec<String>,
}

/// Rows that may hold an article's text as well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copies {
    /// (number, JSON)
    pub incidents: Vec<(IncidentId, String)>,
    /// (id, payload)
    pub outbox: Vec<(i64, String)>,
    /// (id, subject, body)
    pub notifications: Vec<(i64, String, String)>,
}

#[async_trait]
pub trait Redactions: Send + Sync {
    /// Every incident, mail and notification of a ticket.
    async fn copies(&self, ticket: TicketId) -> Result<Copies>;
    /// Removes the files of these contents, where nothing names them any more; those in the database go with the commit.
    async fn files_forget(&self, hashes: &[String]) -> Result<()>;
}
