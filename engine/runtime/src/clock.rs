//! Time comes from outside, so that tests can move it.

use jiff::Timestamp;
use std::sync::Arc;
use vorgang_store::Store;

pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
}

/// To the microsecond: what is stored reads back the same.
fn rounded(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        rounded(Timestamp::now())
    }
}

/// The time that all nodes agree on: the database's.
pub struct NodeClock(pub Arc<dyn Store>);

impl Clock for NodeClock {
    fn now(&self) -> Timestamp {
        rounded(Timestamp::now() + self.0.skew())
    }
}
