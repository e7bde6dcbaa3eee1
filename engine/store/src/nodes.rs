//! Several nodes on one database. A store that only one process writes to has nothing to share.

use crate::Result;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// What other nodes did since it was last asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    /// The newest revision, if there is one.
    pub revision: Option<i64>,
    /// People, or what they chose, were changed.
    pub people: bool,
    /// (number, version) of tickets that changed.
    pub tickets: Vec<(String, u64)>,
    /// This node was away for so long that not all of it can be told any more.
    pub missed: bool,
    /// Logins of those who have a new notification.
    pub told: Vec<String>,
}

/// For each ticket's number who has it open.
pub type Here = BTreeMap<String, Vec<String>>;

#[async_trait]
pub trait Nodes: Send + Sync {
    /// Is this node the one that does this for all? Once it is, it stays so until it ends or is taken for dead.
    async fn lane(&self, lane: &str) -> Result<bool>;
    async fn news(&self) -> Result<News>;
    /// Tells who has which ticket open here, and gives who has on other nodes.
    async fn presence(&self, here: Here) -> Result<Here>;
    /// This node runs this revision from now on.
    async fn runs(&self, revision: i64) -> Result<()>;
    /// How many nodes run an older one.
    async fn behind(&self, revision: i64) -> Result<u64>;
    /// Other nodes that are there.
    async fn others(&self) -> Result<u64>;
    /// How far the database's clock is ahead of this machine's: nodes agree on one time.
    fn skew(&self) -> SignedDuration;
    /// Gives up all that this node holds: nobody has to wait for it to be taken for dead.
    async fn leave(&self);

    /// Fewer than `most` failures with this key since then?
    async fn attempt_allowed(&self, key: &str, since: Timestamp, most: u32) -> Result<bool>;
    /// One more failure; those before `since` are forgotten.
    async fn attempt_failed(&self, key: &str, now: Timestamp, since: Timestamp) -> Result<()>;
    async fn attempt_succeeded(&self, key: &str) -> Result<()>;
}
