//! Revisions of the definitions, and what still uses them.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    pub id: i64,
    pub hash: String,
    /// JSON: every file with its text.
    pub files: String,
    pub applied: Timestamp,
    pub actor: String,
    /// Timers were counted anew with its calendars.
    pub counted: bool,
}

/// Names that a revision uses, so that they have ids before tickets use them.
#[derive(Debug, Clone, Default)]
pub struct NewRevision {
    pub hash: String,
    pub files: String,
    pub applied: Option<Timestamp>,
    pub actor: String,
    /// (kind, name)
    pub names: Vec<(&'static str, String)>,
    /// (hash, name, canonical)
    pub processes: Vec<(String, String, String)>,
    /// Fields by whose values tickets are found by an index; for others there is none any more.
    pub indexed: Vec<String>,
    /// That it is applied happens to the desk.
    pub happens: bool,
}

#[async_trait]
pub trait Revisions: Send + Sync {
    async fn revision_latest(&self) -> Result<Option<Revision>>;
    async fn revision_list(&self, limit: u32) -> Result<Vec<Revision>>;
    async fn revision_counted(&self, id: i64) -> Result<()>;
    async fn revision_add(&self, revision: NewRevision) -> Result<i64>;
    /// Canonical processes that running instances pin.
    async fn pinned_processes(&self) -> Result<Vec<String>>;
    /// Numbers of running tickets on a process, at most ten.
    async fn tickets_on_process(&self, hash: &str) -> Result<Vec<String>>;
    /// Which of these names tickets still use, each with up to three numbers. Kinds are queue, state, type, priority.
    async fn names_in_use(&self, kind: &str) -> Result<Vec<(String, Vec<String>)>>;
}
