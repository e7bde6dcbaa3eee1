//! The log of security, and changes of people: both are written together.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use vorgang_core::chain::Hash;
use vorgang_core::ids::{ArticleId, TicketId};
use vorgang_core::people::PersonPatch;
use vorgang_core::security::{By, Entry};

/// An entry of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRow {
    pub id: i64,
    /// In microseconds since 1970.
    pub at: i64,
    pub actor: String,
    pub cause: String,
    pub event: String,
    pub about: String,
    /// JSON, as it is stored.
    pub details: String,
    pub hash: Hash,
}

#[async_trait]
pub trait Security: Send + Sync {
    /// Appends entries, one behind the other.
    async fn security_add(&self, entries: Vec<Entry>) -> Result<()>;
    /// Behind the id, the oldest first: since a time, and of or about somebody.
    async fn security_list(&self, since: Option<Timestamp>, who: Option<&str>, after: i64, limit: u32) -> Result<Vec<LogRow>>;
    /// Changes the named fields of a person, with an entry in the log, in one transaction. The person's version afterwards; the same as
    /// before where nothing differs. `Conflict` where the version is not the expected one. With `happens`, the change happens to
    /// the desk too.
    async fn person_change(&self, login: &str, patch: &PersonPatch, expected: Option<u64>, by: &By, happens: bool) -> Result<u64>;
    /// The version of a person's row.
    async fn person_version(&self, login: &str) -> Result<Option<u64>>;

    /// HTML of a mail, sanitised before by these rules.
    async fn shown_html(&self, hash: &str, rules: u32) -> Result<Option<String>>;
    async fn shown_html_put(&self, hash: &str, rules: u32, html: &str, of: (TicketId, ArticleId)) -> Result<()>;
}
