//! When requests came, and when news were looked for.

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
