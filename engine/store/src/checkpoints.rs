//! Checkpoints of the history, and backups that were made.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use vorgang_core::chain::Hash;
use vorgang_core::ids::TicketId;

/// What was signed of the history at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub id: i64,
    pub at: Timestamp,
    /// The last row of the history that it covers.
    pub up_to: i64,
    /// (ticket, version, hash) of every head, as they are hashed.
    pub leaves: Vec<u8>,
    pub root: Hash,
    /// Digest of the checkpoint before it.
    pub previous: Hash,
    /// The public half of what it is signed with.
    pub key: Vec<u8>,
    pub signature: Vec<u8>,
}

/// A row of the history, as far as a checkpoint covers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The row.
    pub id: i64,
    pub ticket: TicketId,
    pub version: u64,
    pub hash: Hash,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    pub at: Timestamp,
    pub file: String,
    pub bytes: u64,
    /// Rows of the history in it.
    pub history: u64,
    /// It was read back, and its history verified.
    pub verified: bool,
}

#[async_trait]
pub trait Checkpoints: Send + Sync {
    /// Rows of the history behind this one, in the order in which they were written.
    async fn heads_written(&self, after: i64, limit: u32) -> Result<Vec<Head>>;
    /// The hashes that the history has now of these (ticket, version); those that are gone are left out.
    async fn history_hashes(&self, of: &[(i64, u64)]) -> Result<Vec<(i64, u64, Hash)>>;
    /// In the order of ids.
    async fn checkpoint_list(&self, after: i64, limit: u32) -> Result<Vec<Checkpoint>>;
    /// The newest first.
    async fn checkpoint_latest(&self, limit: u32) -> Result<Vec<Checkpoint>>;
    /// Under its id; [`StoreError::Conflict`](crate::StoreError::Conflict) where another one has it.
    async fn checkpoint_add(&self, checkpoint: Checkpoint) -> Result<()>;
    async fn backup_add(&self, backup: Backup) -> Result<()>;
    /// The newest that was verified.
    async fn backup_latest(&self) -> Result<Option<Backup>>;
}
