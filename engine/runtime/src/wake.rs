//! Lanes sleep until there is work for them. A commit of this process is looked at once it is there, the next due time when it
//! comes, and what a dead node had claimed once it is freed; a slow look is the net for what other nodes leave behind.

use crate::desk::Desk;
use std::sync::Arc;
use std::time::Duration;

/// Longest time between two looks.
pub const NET: Duration = Duration::from_secs(5);

/// Commits that come within this time are looked at together.
const TOGETHER: Duration = Duration::from_millis(10);

/// Wait after the database could not be reached.
pub const TROUBLE: Duration = Duration::from_secs(2);

/// So often a result is told again, with the waits between: two minutes.
const TOLD_MAX: u32 = 64;

/// The first of these waits; each is twice as long, up to that after trouble.
const TOLD_AGAIN: Duration = Duration::from_millis(100);

/// Tells the database what was done outside of it. Untold it would be done once more: trouble that passes is waited for.
pub async fn persist<T, E, F>(passes: impl Fn(&E) -> bool, tell: impl Fn() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let mut wait = TOLD_AGAIN;
    for _ in 1..TOLD_MAX {
        match tell().await {
            Err(e) if passes(&e) => tokio::time::sleep(wait).await,
            told => return told,
        }
        wait = (wait * 2).min(TROUBLE);
    }
    tell().await
}

/// Looks for work, and wakes the lanes that it is for. Runs until it is aborted.
pub async fn run_lane(desk: Arc<Desk>) {
    loop {
        let now = desk.clock.now();
        let wait = match desk.store.due_work(now).await {
            Ok(due) => {
                due.now.into_iter().for_each(|work| desk.wakes.wake(work));
                due.next.map_or(NET, |next| Duration::try_from(next.duration_since(now)).unwrap_or_default().min(NET))
            }
            Err(e) => {
                tracing::warn!("it is not known what is due: {e}");
                TROUBLE
            }
        };
        tokio::select! {
            _ = tokio::time::timeout(wait, desk.wakes.look.notified()) => {}
            () = desk.store.freed() => desk.wakes.wake_all(),
        }
        tokio::time::sleep(TOGETHER).await;
    }
}
