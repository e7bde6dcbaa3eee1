//! Several nodes on one database. A store that only one process writes to has nothing to share.

use crate::Result;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use vorgang_core::ids::{Login, TicketNumber};

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
pub type Here = BTreeMap<TicketNumber, Vec<Login>>;

/// One of the keys under which tries to sign in are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub key: String,
    /// Failures that cost nothing.
    pub free: u32,
    /// Longest time between two tries, in seconds.
    pub longest: i64,
    /// It does not count for who has signed in under this key before.
    pub unless: Option<String>,
}

impl Attempt {
    /// How long failures count, and how long a good try is known.
    pub const WINDOW: SignedDuration = SignedDuration::from_hours(1);
    pub const KNOWN: SignedDuration = SignedDuration::from_hours(30 * 24);

    /// When the next try may come after so many failures, of which the last was then.
    pub fn next(&self, failures: u32, last: Timestamp) -> Timestamp {
        match failures.checked_sub(self.free) {
            None => last,
            Some(more) => last + SignedDuration::from_secs((1_i64 << more.min(20)).min(self.longest)),
        }
    }
}

/// Under this key of tries to sign in lies what [`Nodes::write_probe`] writes.
pub const PROBE: &str = "write probe";

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
    /// Writes something that means nothing: fails where nothing can be written.
    async fn write_probe(&self, now: Timestamp) -> Result<()>;
    /// Gives up all that this node holds: nobody has to wait for it to be taken for dead.
    async fn leave(&self);

    /// One step for a try to sign in: refused until a time where one of the keys has to wait, counted for all of them otherwise.
    async fn attempt_take(&self, attempts: &[Attempt], now: Timestamp) -> Result<Option<Timestamp>>;
    /// The try was good: its own key counts from nothing and is known for a month; the others lose what it was counted before.
    async fn attempt_succeeded(&self, own: &str, others: &[String], now: Timestamp) -> Result<()>;
}
