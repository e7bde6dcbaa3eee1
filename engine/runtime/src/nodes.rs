//! What other nodes do reaches this one within a second: revisions, people, tickets that changed, who has which one open.

use crate::desk::Desk;
use crate::revisions;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use vorgang_core::people::Directory;
use vorgang_store::StoreError;

/// Interval of polls for news while the node serves requests, and while it is idle.
const LOOK: Duration = Duration::from_millis(300);
const IDLE: Duration = Duration::from_secs(5);

/// The node counts as idle this long after its last request.
const HERE: Duration = Duration::from_secs(10);

/// A request waits for the next poll if the last one is older than this, and no longer than `PATIENCE`.
const OLD: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_millis(500);

/// How often it is looked whether all nodes run a revision: for about five seconds.
const SETTLE_LOOKS: u32 = 50;

fn since(mutex: &Mutex<Option<Instant>>) -> Option<Duration> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner).map(|at| at.elapsed())
}

fn mark(mutex: &Mutex<Option<Instant>>) {
    *mutex.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
}

impl Desk {
    /// Somebody asks something: what other nodes did until a moment ago is known here first.
    pub async fn attend(&self) {
        mark(&self.attention.asked);
        let mut next = pin!(self.attention.next_look.notified());
        next.as_mut().enable();
        if self.attention.idle.swap(false, Ordering::AcqRel) {
            self.attention.somebody.notify_one();
        }
        if since(&self.attention.looked).is_some_and(|l| l > OLD) {
            // A look that is begun is never broken off: what it has read would be lost.
            let _ = tokio::time::timeout(PATIENCE, next).await;
        }
    }
}

/// Runs until it is aborted.
pub async fn run_lane(desk: Arc<Desk>) {
    let mut seen = Seen::default();
    loop {
        match look_at_nodes(&desk, &mut seen).await {
            Ok(()) => mark(&desk.attention.looked),
            Err(e) => tracing::warn!("what other nodes do is not known: {e}"),
        }
        desk.attention.next_look.notify_waiters();
        let here = desk.live.has_listeners() || since(&desk.attention.asked).is_some_and(|l| l < HERE);
        desk.attention.idle.store(!here, Ordering::Release);
        let _ = tokio::time::timeout(if here { LOOK } else { IDLE }, desk.attention.somebody.notified()).await;
    }
}

#[derive(Default)]
struct Seen {
    /// People changed, and could not be read yet.
    people: bool,
    /// Others were told that somebody is here.
    here: bool,
}

/// Takes in what others did since the last look.
async fn look_at_nodes(desk: &Desk, seen: &mut Seen) -> Result<(), StoreError> {
    let news = desk.store.news().await?;
    seen.people |= news.people;
    if !news.tickets.is_empty() {
        // Another node may have left work for a lane that this node holds.
        desk.wakes.look_for_work();
    }
    if news.revision.is_some_and(|r| r > desk.revision()) {
        adopt(desk).await?;
    }
    if seen.people {
        desk.reload_people().await?;
        seen.people = false;
    }
    if news.missed {
        desk.live.missed();
    }
    for (number, version) in news.tickets {
        desk.live.heard(number.into(), version);
    }
    news.told.into_iter().for_each(|login| desk.live.told(login.into()));
    let here = desk.live.here_all();
    // Without listeners here, nobody needs to know who is on a page elsewhere.
    if seen.here || !here.is_empty() || desk.live.has_listeners() {
        seen.here = !here.is_empty();
        desk.live.elsewhere(desk.store.presence(here).await?);
    }
    Ok(())
}

/// Waits until every node runs this revision; how many do not after a while.
pub async fn settle(desk: &Desk, revision: i64) -> Result<u64, StoreError> {
    for _ in 0..SETTLE_LOOKS {
        if desk.store.behind(revision).await? == 0 {
            return Ok(0);
        }
        tokio::time::sleep(LOOK / 3).await;
    }
    desk.store.behind(revision).await
}

/// What was applied on another node runs here too.
async fn adopt(desk: &Desk) -> Result<(), StoreError> {
    let Some(revision) = desk.store.revision_latest().await? else { return Ok(()) };
    let plan = revisions::stored(&*desk.store, &revision).await?;
    match plan.model {
        Some(model) => {
            desk.set_model(model, revision.id);
            desk.store.runs(revision.id).await?;
            desk.set_people(Directory::new(desk.store.person_list().await?));
            desk.recount_timers();
            tracing::info!("revision {} runs, which {} applied", revision.id, revision.actor);
        }
        // Another version of the program may know more than this one: what runs stays, and is said once.
        None => {
            tracing::error!("revision {} cannot be read by this version of the program; the one before it runs on", revision.id);
            desk.skip_revision(revision.id);
        }
    }
    Ok(())
}
