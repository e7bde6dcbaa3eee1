//! Failures per key are counted, by all nodes together: enough to make guessing pointless, without locking anybody's
//! account.

use crate::desk::Desk;
use jiff::SignedDuration;
use vorgang_store::StoreError;

/// How long failures count.
const WINDOW: SignedDuration = SignedDuration::from_secs(300);

impl Desk {
    /// Fewer than `most` failures within the window?
    pub async fn attempt_allowed(&self, key: &str, most: u32) -> Result<bool, StoreError> {
        self.store.attempt_allowed(key, self.clock.now() - WINDOW, most).await
    }

    pub async fn attempt_failed(&self, key: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.store.attempt_failed(key, now, now - WINDOW).await
    }

    pub async fn attempt_succeeded(&self, key: &str) -> Result<(), StoreError> {
        self.store.attempt_succeeded(key).await
    }
}
