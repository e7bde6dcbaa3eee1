//! Tells when the server has more to do than it can: a task that is ready then waits long until a thread runs it. Such a wait
//! comes before a request is looked at, so nothing inside of a request can see it. A thread outside of the runtime measures it: it
//! hands in a task that does nothing, again and again. While the wait is long everybody is refused; afterwards as many requests
//! come in as could be worked on without one (additive increase, multiplicative decrease, as in RFC 5681).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// Pause between two measurements.
const EVERY: Duration = Duration::from_millis(20);
/// Waits above this are long.
const LONG: Duration = Duration::from_millis(200);
/// So many long waits in a row are a backlog. A single one may be a pause of the machine.
const IN_A_ROW: u32 = 2;
/// Requests under way at the same time, where there is no backlog, and at least.
const MOST: usize = 256;
const LEAST: usize = 8;

/// The wait of tasks for a thread.
#[derive(Debug, Clone)]
pub struct Backlog(Arc<Mutex<Waits>>);

#[derive(Debug)]
struct Waits {
    /// When the present measurement began.
    begun: Instant,
    /// It has not ended.
    waits: bool,
    /// Long waits since the last short one.
    long: u32,
    /// Requests that were refused since the backlog began.
    refused: u64,
    /// Requests under way, and how many may be.
    inside: usize,
    most: usize,
}

/// A request under way, until it is dropped.
#[derive(Debug)]
pub struct Entered(Backlog);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.waits().inside -= 1;
    }
}

impl Default for Backlog {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Waits::new())))
    }
}

impl Waits {
    fn new() -> Self {
        Self { begun: Instant::now(), waits: false, long: 0, refused: 0, inside: 0, most: MOST }
    }

    fn is_long(&self, now: Instant) -> bool {
        // The present wait counts as soon as it is long. Between two measurements nothing waits.
        self.long + u32::from(self.waits && now.saturating_duration_since(self.begun) > LONG) >= IN_A_ROW
    }

    fn refuses(&mut self, program: bool) -> bool {
        let most = if program { self.most - self.most / 4 } else { self.most };
        let refuses = self.is_long(Instant::now()) || (self.most < MOST && self.inside >= most);
        self.refused += u64::from(refuses);
        refuses
    }

    /// A measurement is done.
    fn measured(&mut self, wait: Duration) {
        let was_long = self.long >= IN_A_ROW;
        match wait > LONG {
            true => self.long = self.long.saturating_add(1),
            false => self.long = 0,
        }
        let is_limited = self.most < MOST;
        match self.long {
            0 => self.most = (self.most + 1).min(MOST),
            long if long >= IN_A_ROW => self.most = (self.most.min(self.inside) / 2).max(LEAST),
            _ => {}
        }
        match (was_long || is_limited, self.most < MOST) {
            (false, true) => tracing::warn!("there is more to do than this server can: requests are refused"),
            (true, false) => {
                tracing::info!(refused = self.refused, "there is no backlog any more");
                self.refused = 0;
            }
            _ => {}
        }
        self.waits = false;
    }
}

impl Backlog {
    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Would [`Backlog::enter`] refuse a request now? Counts the refusal.
    pub(crate) fn refuses(&self, program: bool) -> bool {
        self.waits().refuses(program)
    }

    /// Lets a request in, or refuses it at once. Programs leave a quarter of the places to people.
    pub(crate) fn enter(&self, program: bool) -> Option<Entered> {
        let mut waits = self.waits();
        if waits.refuses(program) {
            return None;
        }
        waits.inside += 1;
        drop(waits);
        Some(Entered(self.clone()))
    }

    /// Takes a measurement: a task that was ready waited so long for a thread.
    pub fn record(&self, wait: Duration) {
        self.waits().measured(wait);
    }

    /// Begins to measure the runtime that this is called in; it ends with the runtime, or with the last copy of this.
    pub fn watch(&self) -> std::io::Result<()> {
        let (waits, runtime) = (Arc::downgrade(&self.0), Handle::current());
        let measure = move || {
            loop {
                std::thread::sleep(EVERY);
                let Some(backlog) = waits.upgrade().map(Self) else { return };
                let (done, ended) = std::sync::mpsc::sync_channel(1);
                let begun = Instant::now();
                {
                    let mut waits = backlog.waits();
                    (waits.begun, waits.waits) = (begun, true);
                }
                // First behind all that was handed in from outside, and then behind all that its thread has to do.
                runtime.spawn(async move {
                    tokio::task::yield_now().await;
                    let _ = done.send(());
                });
                if ended.recv().is_err() {
                    return;
                }
                backlog.record(begun.elapsed());
            }
        };
        std::thread::Builder::new().name("backlog".into()).spawn(measure).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After each of these waits, in milliseconds: is there a backlog?
    fn after(waits: &[u64]) -> Vec<bool> {
        let mut state = Waits::new();
        let measure = |wait: &u64| {
            state.measured(Duration::from_millis(*wait));
            state.is_long(Instant::now())
        };
        waits.iter().map(measure).collect()
    }

    #[test]
    fn two_long_waits_are_a_backlog_until_a_short_one() {
        assert_eq!(after(&[0, 150, 199]), [false, false, false], "short waits");
        assert_eq!(after(&[3_000, 0, 3_000, 10]), [false, false, false, false], "the machine paused twice");
        assert_eq!(after(&[300, 300, 250, 20, 300]), [false, true, true, false, false]);
    }

    #[test]
    fn the_present_wait_counts_before_it_ends() {
        let begun = Instant::now();
        let mut state = Waits { begun, waits: true, ..Waits::new() };
        assert!(!state.is_long(begun + Duration::from_secs(9)), "one wait alone");
        state.measured(Duration::from_secs(1));
        assert!(!state.is_long(begun + Duration::from_secs(9)), "nothing waits now");
        state.waits = true;
        assert!(!state.is_long(begun + Duration::from_millis(100)));
        assert!(state.is_long(begun + Duration::from_millis(300)));
    }

    /// After a backlog a few come in, and more and more as long as nothing waits; programs leave a part to people.
    #[test]
    fn a_backlog_ends_little_by_little() {
        let backlog = Backlog::default();
        let enter = |count: usize, program| (0..count).filter_map(|_| backlog.enter(program)).collect::<Vec<_>>();
        assert_eq!(enter(1_000, false).len(), 1_000, "without a backlog nobody is refused here");
        let inside = enter(100, false);
        for _ in 0..3 {
            backlog.record(Duration::from_secs(1));
        }
        assert!(backlog.enter(false).is_none());
        drop(inside);
        backlog.record(Duration::ZERO);
        let most = backlog.waits().most;
        assert_eq!(most, 25 + 1, "half of half of those that were under way");
        let programs = enter(100, true);
        let people = enter(100, false);
        assert_eq!((programs.len(), people.len()), (most - most / 4, most / 4));
        drop((programs, people));
        for _ in 0..MOST {
            backlog.record(Duration::ZERO);
        }
        assert_eq!(enter(1_000, false).len(), 1_000);
    }

    /// Keeps the only thread until something is so.
    fn keep_busy(until: impl Fn() -> bool) {
        let begun = Instant::now();
        while !until() {
            assert!(begun.elapsed() < Duration::from_secs(20), "it is never so");
            std::thread::yield_now();
        }
    }

    #[tokio::test]
    async fn a_thread_that_is_kept_busy_is_a_backlog() {
        let backlog = Backlog::default();
        backlog.watch().expect("a thread");
        let is_long = || {
            let waits = backlog.waits();
            waits.waits && waits.begun.elapsed() > LONG
        };
        keep_busy(is_long);
        assert!(backlog.enter(false).is_some(), "one wait alone");
        while backlog.waits().long == 0 {
            tokio::task::yield_now().await;
        }
        keep_busy(|| backlog.enter(false).is_none());
        let ends = async {
            while backlog.enter(false).is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), ends).await.expect("it ends");
    }
}
