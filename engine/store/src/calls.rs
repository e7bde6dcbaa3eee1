//! Programs that are to be run.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use vorgang_core::snapshot::{Call, Seq};

/// A call whose time has come.
#[derive(Debug, Clone, PartialEq)]
pub struct DueCall {
    pub ticket: i64,
    /// The ticket's number.
    pub number: String,
    pub call: Call,
    /// How often it was begun.
    pub attempts: u32,
}

#[async_trait]
pub trait Calls: Send + Sync {
    /// Those due first first.
    async fn calls_due(&self, now: Timestamp, limit: u32) -> Result<Vec<DueCall>>;
    /// An attempt begins: nobody else begins one until then. False where somebody has, or the call is gone.
    async fn call_lease(&self, call: (i64, Seq), now: Timestamp, until: Timestamp) -> Result<bool>;
    /// Is it still waited for?
    async fn call_wanted(&self, call: (i64, Seq)) -> Result<bool>;
    /// The next attempt comes then; the one that was begun counts, or not.
    async fn call_later(&self, call: (i64, Seq), due: Timestamp, counts: bool) -> Result<()>;
}
