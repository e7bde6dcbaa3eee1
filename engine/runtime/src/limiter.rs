//! A small counter of failures per key: enough to make guessing pointless, without locking anybody's account.

use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

const WINDOW_SECONDS: i64 = 300;
const KEYS_MAX: usize = 10_000;

#[derive(Default)]
pub struct Limiter {
    failures: Mutex<HashMap<String, (u32, i64)>>,
}

impl Limiter {
    /// Fewer than `most` failures within the window?
    pub fn allows(&self, key: &str, now: Timestamp, most: u32) -> bool {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.get(key).is_none_or(|(n, since)| *n < most || now.as_second() - since > WINDOW_SECONDS)
    }

    pub fn failed(&self, key: &str, now: Timestamp) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= KEYS_MAX {
            failures.retain(|_, (_, since)| now.as_second() - *since <= WINDOW_SECONDS);
            if failures.len() >= KEYS_MAX {
                failures.clear();
            }
        }
        let entry = failures.entry(key.to_owned()).or_insert((0, now.as_second()));
        if now.as_second() - entry.1 > WINDOW_SECONDS {
            *entry = (0, now.as_second());
        }
        entry.0 += 1;
    }

    pub fn succeeded(&self, key: &str) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_ten_failures_a_key_waits() {
        let limiter = Limiter::default();
        let at = |s| Timestamp::from_second(s).expect("a time");
        for i in 0..10 {
            assert!(limiter.allows("a", at(i), 10));
            limiter.failed("a", at(i));
        }
        assert!(!limiter.allows("a", at(11), 10));
        assert!(limiter.allows("b", at(11), 10));
        assert!(limiter.allows("a", at(400), 10));
    }
}
