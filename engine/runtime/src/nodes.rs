//! What other nodes do reaches this one within a second: revisions, people, tickets that changed, who has which one open.

use crate::desk::Desk;
use crate::revisions;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use vorgang_core::people::Directory;
use vorgang_store::StoreError;

/// How often it is looked for news.
const LOOK: Duration = Duration::from_millis(300);

/// How often it is looked whether all nodes run a revision: for about five seconds.
const SETTLE_LOOKS: u32 = 50;

/// Runs until it is aborted.
pub async fn run(desk: Arc<Desk>) {
    // People changed, and could not be read yet.
    let mut people = false;
    loop {
        if let Err(e) = look(&desk, &mut people).await {
            tracing::warn!("what other nodes do is not known: {e}");
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Takes in what others did since the last look.
async fn look(desk: &Desk, people: &mut bool) -> Result<(), StoreError> {
    let news = desk.store.news().await?;
    *people |= news.people;
    if news.revision.is_some_and(|r| r > desk.revision()) {
        adopt(desk).await?;
    }
    if *people {
        desk.reload_people().await?;
        *people = false;
    }
    if news.missed {
        desk.live.missed();
    }
    for (number, version) in news.tickets {
        desk.live.heard(number, version);
    }
    news.told.into_iter().for_each(|login| desk.live.told(login));
    let here = desk.live.here_all();
    desk.live.elsewhere(desk.store.presence(here).await?);
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
            desk.recount.store(true, Ordering::Release);
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
