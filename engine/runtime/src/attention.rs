//! The times of the last request and of the last poll for news.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Instant;
use tokio::sync::Notify;

/// The last request to this node, and its last poll for news.
#[derive(Debug, Default)]
pub struct Attention {
    pub(crate) asked: Mutex<Option<Instant>>,
    pub(crate) looked: Mutex<Option<Instant>>,
    /// The node is idle: polls are rare.
    pub(crate) idle: AtomicBool,
    pub(crate) somebody: Notify,
    pub(crate) next_look: Notify,
}
