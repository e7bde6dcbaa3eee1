//! What happens to people and definitions goes to the site's handlers: the tickets that they make of it are one commit with
//! its end, so that it is handled once.

use crate::desk::{Desk, Error};
use crate::wake::TROUBLE;
use std::sync::Arc;
use vorgang_store::due::Work;

const BATCH: u32 = 64;

/// Runs until it is aborted.
pub async fn run(desk: Arc<Desk>) {
    loop {
        match handle_here(&desk).await {
            Ok(0) => desk.wakes.work(Work::Events).await,
            Ok(_) => {}
            Err(e) => {
                tracing::warn!("what happened to the desk: {e}");
                tokio::time::sleep(TROUBLE).await;
            }
        }
    }
}

/// One node handles it for all.
async fn handle_here(desk: &Desk) -> Result<usize, Error> {
    if desk.store.lane("events").await? { handle(desk).await } else { Ok(0) }
}

/// Handles what has happened, the oldest first; how much it was. What a handler cannot do waits for an administrator.
pub async fn handle(desk: &Desk) -> Result<usize, Error> {
    let rows = desk.store.desk_events(false, BATCH).await?;
    let mut done = 0;
    for row in &rows {
        let handled = match desk.handle_desk_event(row.id, &row.event).await {
            Ok(handled) => handled,
            Err(Error::Store(e)) if e.passes() => return Err(e.into()),
            // Somebody else has handled it, or it comes again.
            Err(e) => {
                tracing::warn!(event = row.event.name(), "what happened to the desk: {e}");
                continue;
            }
        };
        done += 1;
        if let Err(failure) = handled {
            tracing::error!(event = row.event.name(), "a handler failed: {}", failure.message);
            let read: Vec<String> = failure.values.iter().map(|(path, value)| format!("{path} = {value}")).collect();
            let parts = [Some(failure.message), failure.expression, Some(read.join(", ")).filter(|r| !r.is_empty())];
            let why = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
            desk.store.desk_event_mark(row.id, Some(&why)).await?;
        }
    }
    Ok(done)
}
