//! Refuses requests at once when they could not be answered in time. Under load, the time that a request takes is the number
//! of requests in progress divided by the number answered in a second (Little's law).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Length of the spans over which answers are counted.
const SPAN: Duration = Duration::from_millis(250);
/// Answers that took longer are slow. There is load while half of the answers are slow: a few hanging requests are no load.
const SLOW: Duration = Duration::from_millis(200);
/// Spans without load after which the load has ended: a flood comes in waves, with calm spans between them.
const CALM: u32 = 20;
/// Time within which a request should be answered under load, in seconds.
const IN_TIME: f64 = 0.8;
/// Requests that are admitted in any case.
const FEW: f64 = 32.0;

/// Counts one class of callers.
#[derive(Debug, Clone)]
pub struct Flow(Arc<Mutex<Counts>>);

#[derive(Debug)]
struct Counts {
    inside: usize,
    /// Beginning of the present span.
    begun: Instant,
    answered: u32,
    slow: u32,
    /// Answers in a second under load; `None` without load.
    rate: Option<f64>,
    /// Spans since the last load.
    calm: u32,
}

impl Counts {
    fn is_full(&self) -> bool {
        self.rate.is_some_and(|rate| self.inside as f64 >= (rate * IN_TIME).max(FEW))
    }
}

impl Default for Flow {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Counts { inside: 0, begun: Instant::now(), answered: 0, slow: 0, rate: None, calm: 0 })))
    }
}

/// A request in progress, until it is dropped.
#[derive(Debug)]
pub struct Inside {
    flow: Flow,
    since: Instant,
    answered: bool,
}

impl Inside {
    /// Counts the answer. A request that is dropped without one found no place in time, or its caller left.
    pub fn answered(mut self) {
        self.answered = true;
    }
}

impl Flow {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Would another request not be answered in time?
    pub fn is_full(&self) -> bool {
        self.counts().is_full()
    }

    pub fn enter(&self) -> Option<Inside> {
        let mut counts = self.counts();
        if counts.is_full() {
            return None;
        }
        counts.inside += 1;
        Some(Inside { flow: self.clone(), since: Instant::now(), answered: false })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut counts = self.flow.counts();
        counts.inside -= 1;
        if !self.answered {
            return;
        }
        counts.answered += 1;
        counts.slow += u32::from(self.since.elapsed() > SLOW);
        let span = counts.begun.elapsed();
        if span >= SPAN {
            if counts.slow * 2 >= counts.answered {
                let now = f64::from(counts.answered) / span.as_secs_f64();
                counts.rate = Some((counts.rate.unwrap_or(now) + now) / 2.0);
                counts.calm = 0;
            } else {
                counts.calm += 1;
                counts.rate = counts.rate.filter(|_| counts.calm < CALM);
            }
            (counts.begun, counts.answered, counts.slow) = (Instant::now(), 0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests come at a rate, in milliseconds from one to the next; one at a time is worked on, for so long, and a second is waited
    /// for the turn. How many were refused at once, and after that second; the longest time inside of the others.
    async fn plays(every: u64, work: u64, count: u64) -> (u64, u64, Duration) {
        let (flow, desk) = (Flow::default(), Arc::new(tokio::sync::Semaphore::new(1)));
        let mut under_way = tokio::task::JoinSet::new();
        let mut refused = 0;
        for _ in 0..count {
            tokio::time::sleep(Duration::from_millis(every)).await;
            let Some(inside) = flow.enter() else {
                refused += 1;
                continue;
            };
            let desk = desk.clone();
            under_way.spawn(async move {
                let _turn = tokio::time::timeout(Duration::from_secs(1), desk.acquire()).await.ok()?;
                tokio::time::sleep(Duration::from_millis(work)).await;
                let took = inside.since.elapsed();
                inside.answered();
                Some(took)
            });
        }
        let (mut late, mut longest) = (0, Duration::ZERO);
        while let Some(took) = under_way.join_next().await {
            match took.expect("an answer") {
                Some(took) => longest = longest.max(took),
                None => late += 1,
            }
        }
        (refused, late, longest)
    }

    #[tokio::test(start_paused = true)]
    async fn what_can_be_answered_comes_in_and_ten_times_as_much_does_not() {
        let (refused, late, _) = plays(10, 8, 2_000).await;
        assert_eq!((refused, late), (0, 0), "there is time for all");
        let (refused, late, longest) = plays(1, 10, 20_000).await;
        let share = refused as f64 / 20_000.0;
        assert!((0.85..0.92).contains(&share), "a tenth is answered: {share}");
        // Requests that came before the rate was known.
        assert!(late < 500, "{late} were refused after a wait");
        assert!(longest < Duration::from_secs(2), "those that came in are answered in time: {longest:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn some_that_hang_are_no_load() {
        let flow = Flow::default();
        let hanging: Vec<Inside> = (0..200).filter_map(|_| flow.enter()).collect();
        // Fewer quick requests in a second than hanging ones.
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            flow.enter().expect("quick requests are admitted").answered();
        }
        assert_eq!(hanging.len(), 200);
    }
}
