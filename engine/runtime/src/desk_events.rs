//! What happens to people and definitions goes to the site's handlers: the tickets that they make of it are one commit with
//! its end, so that it is handled once.

use crate::desk::{Desk, Error, Request};
use crate::wake::TROUBLE;
use std::sync::Arc;
use vorgang_core::commands::{Command, HandleDeskEvent};
use vorgang_core::people;
use vorgang_core::rejection::Rejection;
use vorgang_store::due::Work;

const BATCH: u32 = 64;

/// Runs until it is aborted.
pub async fn run_lane(desk: Arc<Desk>) {
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
        let (name, system) = (row.event.name(), people::system());
        let (command, cause) = (Command::HandleDeskEvent(HandleDeskEvent { event: row.event.clone() }), format!("event {name}"));
        let request = Request { actor: &system, ticket: None, command, cause: &cause, at: None };
        match desk.execute_desk_event(request, row.id).await {
            Ok(_) => {}
            Err(Error::Rejected(Rejection::Unheard)) => desk.store.desk_event_done(row.id).await?,
            Err(Error::Rejected(refused)) => {
                let why = if let Rejection::Failed(why) = refused { why } else { refused.say("en") };
                tracing::error!(event = name, "a handler failed: {why}");
                desk.store.desk_event_mark(row.id, Some(&why)).await?;
            }
            Err(Error::Store(e)) if e.passes() => return Err(e.into()),
            // Somebody else has handled it, or it comes again.
            Err(e) => {
                tracing::warn!(event = name, "an event of the desk: {e}");
                continue;
            }
        }
        done += 1;
    }
    Ok(done)
}
