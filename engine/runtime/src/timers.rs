//! Timers fire at their time, each once: what it does and its end are one commit.
//!
//! A lane of its own: so many at a time, so that a flood of timers leaves room for people.

use crate::desk::{Desk, Error, Request};
use crate::lane::Lane;
use crate::wake::TROUBLE;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use vorgang_core::commands::{Command, FireTimer, RecountTimers};
use vorgang_core::ids::{TicketId, TimerId};
use vorgang_core::people;
use vorgang_definitions::calendar::later;
use vorgang_store::due::Work;
use vorgang_store::{CountedTimer, DueTimer, StoreError};

/// How often timers that could not fire are looked at.
const AGAIN: Duration = Duration::from_secs(1);
/// Timers that are fetched at once.
const BATCH: u32 = 512;
/// Timers that fire at the same time.
const LANE: usize = 32;
/// Longest wait before one that cannot fire is tried again.
const WAIT_MAX: SignedDuration = SignedDuration::from_hours(1);

/// Timers that could not fire: how often they were tried, and when to try again.
#[derive(Default)]
pub struct Waiting(HashMap<(TicketId, TimerId), (u32, Timestamp)>);

impl Waiting {
    fn holds(&self, timer: &DueTimer, now: Timestamp) -> bool {
        self.0.get(&(timer.ticket, timer.seq)).is_some_and(|(_, until)| *until > now)
    }

    fn failed(&mut self, timer: &DueTimer, now: Timestamp) {
        let (tries, until) = self.0.entry((timer.ticket, timer.seq)).or_insert((0, now));
        *tries += 1;
        let wait = SignedDuration::from_secs(1 << (*tries).min(12));
        *until = now + wait.min(WAIT_MAX);
    }
}

/// Runs until it is aborted.
pub async fn run_lane(desk: Arc<Desk>) {
    let mut waiting = Waiting::default();
    loop {
        if desk.recount.swap(false, Ordering::AcqRel)
            && let Err(e) = recount_here(&desk).await
        {
            tracing::warn!("timers could not be counted anew: {e}");
            desk.recount.store(true, Ordering::Release);
        }
        match fire_due(&desk, &mut waiting).await {
            // Those that wait for another try, or for another node, are looked at again soon.
            Ok(0) if !waiting.0.is_empty() || desk.recount.load(Ordering::Acquire) => {
                let _ = tokio::time::timeout(AGAIN, desk.wakes.work(Work::Timers)).await;
            }
            Ok(0) => desk.wakes.work(Work::Timers).await,
            Ok(_) => desk.wakes.look_for_work(),
            Err(e) => {
                tracing::warn!("timers: {e}");
                tokio::time::sleep(TROUBLE).await;
            }
        }
    }
}

/// Fires what is due now; how many did.
pub async fn fire_due(desk: &Arc<Desk>, waiting: &mut Waiting) -> Result<usize, StoreError> {
    let now = desk.clock.now();
    // Those that wait for another try do not stand in the way of the others.
    let due = desk.store.timers_due(now, BATCH + waiting.0.len() as u32).await?;
    let due: Vec<DueTimer> = due.into_iter().filter(|t| !waiting.holds(t, now)).collect();
    let (mut lane, mut fired) = (Lane::new(LANE, due), 0);
    let work = |timer: &DueTimer| {
        let (desk, timer) = (desk.clone(), timer.clone());
        async move { fire(&desk, &timer).await }
    };
    while let Some((timer, result)) = lane.next(work).await {
        match result.map_err(|e| e.to_string()).and_then(|r| r.map_err(|e| e.to_string())) {
            Ok(()) => {
                waiting.0.remove(&(timer.ticket, timer.seq));
                fired += 1;
            }
            Err(why) => {
                tracing::error!(ticket = %timer.number, timer = timer.seq.0, "a timer could not fire: {why}");
                waiting.failed(&timer, now);
            }
        }
    }
    Ok(fired)
}

async fn fire(desk: &Desk, timer: &DueTimer) -> Result<(), Error> {
    let system = people::system();
    let command = Command::FireTimer(FireTimer { timer: timer.seq });
    desk.execute(Request { actor: &system, ticket: Some(&timer.number), command, cause: "timer", at: None }).await.map(|_| ())
}

/// One node does it for all; the others look again as long as it is not done.
async fn recount_here(desk: &Desk) -> Result<(), Error> {
    if desk.store.revision_latest().await?.is_none_or(|r| r.counted) {
        return Ok(());
    }
    if desk.store.lane("calendars").await? {
        return recount(desk).await;
    }
    desk.recount.store(true, Ordering::Release);
    Ok(())
}

/// After calendars have changed: timers whose time is another now are set anew, once for each revision.
async fn recount(desk: &Desk) -> Result<(), Error> {
    let Some(revision) = desk.store.revision_latest().await?.filter(|r| !r.counted) else { return Ok(()) };
    let (model, system) = (desk.model(), people::system());
    let mut after = (TicketId(0), TimerId(0));
    loop {
        let page = desk.store.timers_counted(after, BATCH).await?;
        let Some(last) = page.last() else { return Ok(desk.store.revision_counted(revision.id).await?) };
        after = (last.ticket, last.timer.seq);
        for CountedTimer { number, timer, .. } in &page {
            let calendar = timer.calendar.as_ref().and_then(|c| model.names.work_times.get(c));
            let due = calendar.and_then(|c| later(timer.start, timer.after, Some(c), &model.names.site.zone.0));
            if due.is_some_and(|d| d != timer.due) {
                let command = Command::RecountTimers(RecountTimers);
                desk.execute(Request { actor: &system, ticket: Some(number), command, cause: "calendar", at: None }).await?;
            }
        }
    }
}
