//! Tells when the server has more to do than it can: a task that is ready then waits long until a thread runs it. Such a wait
//! comes before a request is looked at, so nothing inside of a request can see it. A task that only sleeps and yields measures it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Pause between two measurements.
const EVERY: Duration = Duration::from_millis(20);
/// Waits above this are long.
const LONG: Duration = Duration::from_millis(200);
/// So many long waits in a row are a backlog. A single one may be a pause of the machine.
const IN_A_ROW: u32 = 2;

/// The wait of tasks for a thread.
#[derive(Debug, Clone)]
pub struct Backlog(Arc<Mutex<Waits>>);

#[derive(Debug)]
struct Waits {
    /// When the present measurement should have been done.
    due: Instant,
    /// Long waits since the last short one.
    long: u32,
    /// Requests that were refused since the backlog began.
    refused: u64,
}

impl Default for Backlog {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Waits { due: Instant::now() + EVERY, long: 0, refused: 0 })))
    }
}

impl Waits {
    fn is_long(&self, now: Instant) -> bool {
        // The present wait counts as soon as it is long.
        self.long + u32::from(now.saturating_duration_since(self.due) > LONG) >= IN_A_ROW
    }

    /// A measurement is done.
    fn measured(&mut self, wait: Duration, now: Instant) {
        let was_long = self.long >= IN_A_ROW;
        match wait > LONG {
            true => self.long = self.long.saturating_add(1),
            false => self.long = 0,
        }
        match (was_long, self.long >= IN_A_ROW) {
            (false, true) => tracing::warn!("there is more to do than this server can: requests are refused"),
            (true, false) => tracing::info!(refused = self.refused, "there is no backlog any more"),
            _ => {}
        }
        if self.long == 0 {
            self.refused = 0;
        }
        self.due = now + EVERY;
    }
}

impl Backlog {
    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is there a backlog, so that a request has to be refused? The refusal is counted.
    pub(crate) fn refuses(&self) -> bool {
        let mut waits = self.waits();
        let refuses = waits.is_long(Instant::now());
        waits.refused += u64::from(refuses);
        refuses
    }

    /// Takes a measurement: a task that was ready waited so long for a thread.
    pub fn record(&self, wait: Duration) {
        self.waits().measured(wait, Instant::now());
    }

    /// Measures until it is aborted.
    pub async fn run_lane(self) {
        self.waits().due = Instant::now() + EVERY;
        loop {
            let due = self.waits().due;
            tokio::time::sleep_until(due).await;
            // A timer's task is run before others that are ready already: those go first now.
            tokio::task::yield_now().await;
            self.record(due.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After each of these waits, in milliseconds: is there a backlog?
    fn after(waits: &[u64]) -> Vec<bool> {
        let mut now = Instant::now();
        let mut state = Waits { due: now, long: 0, refused: 0 };
        let measure = |wait: &u64| {
            now = state.due + Duration::from_millis(*wait);
            state.measured(Duration::from_millis(*wait), now);
            state.is_long(now)
        };
        waits.iter().map(measure).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn two_long_waits_are_a_backlog_until_a_short_one() {
        assert_eq!(after(&[0, 150, 199]), [false, false, false], "short waits");
        assert_eq!(after(&[3_000, 0, 3_000, 10]), [false, false, false, false], "the machine paused twice");
        assert_eq!(after(&[300, 300, 250, 20, 300]), [false, true, true, false, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_present_wait_counts_before_it_ends() {
        let now = Instant::now();
        let mut state = Waits { due: now, long: 0, refused: 0 };
        assert!(!state.is_long(now + Duration::from_secs(9)), "one wait alone");
        state.measured(Duration::from_secs(1), now + Duration::from_secs(1));
        let due = state.due;
        assert!(!state.is_long(due + Duration::from_millis(100)));
        assert!(state.is_long(due + Duration::from_millis(300)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_thread_that_is_kept_busy_is_a_backlog() {
        let backlog = Backlog::default();
        let lane = tokio::spawn(backlog.clone().run_lane());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!backlog.refuses(), "nothing is to be done");
        // Virtual time goes on while this task keeps the only thread.
        for _ in 0..4 {
            tokio::time::advance(Duration::from_millis(500)).await;
        }
        assert!(backlog.refuses(), "tasks wait for half a second");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!backlog.refuses());
        lane.abort();
    }
}
