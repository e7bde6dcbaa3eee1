//! How much one person or address may ask of the desk: buckets that fill up again with time (a token bucket), on each node.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Buckets that are kept; full ones go first.
const BUCKETS_MAX: usize = 50_000;

/// Kinds of acts that quotas count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Tickets that are made.
    Create,
    /// Lists and searches.
    Search,
    /// Whole contents: raw mails, histories, the log of security.
    Export,
    /// Files of messages, as many as exports.
    File,
    /// Entries of denied acts in the log of security.
    Denied,
}

/// Acts a minute for each kind; nobody who works by hand comes near the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    pub create: u32,
    pub search: u32,
    pub export: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { create: 60, search: 300, export: 120 }
    }
}

impl Quotas {
    fn a_minute(self, kind: Kind) -> u32 {
        match kind {
            Kind::Create => self.create,
            Kind::Search => self.search,
            Kind::Export | Kind::File => self.export,
            Kind::Denied => 30,
        }
    }
}

/// By kind and key, a login or an address: what is left, and when that was.
#[derive(Default)]
pub struct Buckets(Mutex<HashMap<(Kind, String), (f64, Instant)>>);

impl Buckets {
    /// Takes one; the seconds to wait where there is none. A quota of 0 has no limit.
    pub fn spend(&self, quotas: Quotas, kind: Kind, key: &str, now: Instant) -> Result<(), u64> {
        let most = quotas.a_minute(kind);
        if most == 0 {
            return Ok(());
        }
        let (most, per_second) = (f64::from(most), f64::from(most) / 60.0);
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX {
            buckets.retain(|_, (left, at)| *left + now.saturating_duration_since(*at).as_secs_f64() * per_second < most);
        }
        let bucket = buckets.entry((kind, key.to_owned())).or_insert((most, now));
        bucket.0 = (bucket.0 + now.saturating_duration_since(bucket.1).as_secs_f64() * per_second).min(most);
        bucket.1 = now;
        if bucket.0 >= 1.0 {
            bucket.0 -= 1.0;
            return Ok(());
        }
        Err(((1.0 - bucket.0) / per_second).ceil() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_minute_of_acts_at_once_and_then_as_fast_as_they_come_back() {
        let (buckets, begun, quotas) = (Buckets::default(), Instant::now(), Quotas { create: 60, search: 0, export: 6 });
        let at = |seconds| begun + Duration::from_secs(seconds);
        let take = |key, seconds| buckets.spend(quotas, Kind::Create, key, at(seconds));
        assert!((0..60).all(|_| take("anna", 0).is_ok()));
        assert_eq!((take("anna", 0), take("ben", 0)), (Err(1), Ok(())));
        assert_eq!((take("anna", 1), take("anna", 1)), (Ok(()), Err(1)));
        assert!((0..60).all(|_| take("anna", 3_600).is_ok()), "no more than a minute's are saved up");
        assert_eq!(take("anna", 3_600), Err(1));
        assert!((0..1_000).all(|_| buckets.spend(quotas, Kind::Search, "anna", begun).is_ok()), "without a limit");
        assert!((0..6).all(|_| buckets.spend(quotas, Kind::Export, "anna", begun).is_ok()));
        assert_eq!(buckets.spend(quotas, Kind::Export, "anna", begun), Err(10));
    }
}
