//! One command at a time on one ticket, from load to commit: otherwise callers on one ticket would decide in vain.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Default)]
pub struct Locks {
    held: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// Keeps the lock, and forgets it with the last holder.
pub struct Held<'a> {
    locks: &'a Locks,
    key: String,
    guard: Option<tokio::sync::OwnedMutexGuard<()>>,
}

impl Locks {
    /// By the ticket's number.
    pub async fn hold(&self, key: &str) -> Held<'_> {
        let lock = {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.entry(key.to_owned()).or_default().clone()
        };
        Held { locks: self, key: key.to_owned(), guard: Some(lock.lock_owned().await) }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.guard.take();
        let mut held = self.locks.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.get(&self.key).is_some_and(|l| Arc::strong_count(l) == 1) {
            held.remove(&self.key);
        }
    }
}
