//! Answers to requests that may be sent again.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use vorgang_core::chain::Hash;
use vorgang_core::ids::Login;

/// The answer to a request that may be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    pub login: Login,
    pub key: String,
    pub body_hash: Hash,
    pub status: u16,
    pub answer: String,
}

#[async_trait]
pub trait Requests: Send + Sync {
    async fn idempotency_get(&self, login: &str, key: &str) -> Result<Option<Idempotency>>;
    /// Keeps the answer of a request that changed nothing. `Conflict` when its key was used meanwhile.
    async fn idempotency_put(&self, kept: &Idempotency, at: Timestamp) -> Result<()>;
}
