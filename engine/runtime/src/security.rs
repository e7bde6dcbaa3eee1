//! The log of security: what is written into it, and whether it is whole.

use crate::desk::Desk;
use crate::quota::{Kind, Quotas};
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use std::time::Instant;
use vorgang_core::chain::GENESIS;
use vorgang_core::security::{self, By, Entry};
use vorgang_store::security::LogRow;
use vorgang_store::{Result, Store};

/// So much of what a denied act was about is kept, in bytes.
const ABOUT_MAX: usize = 200;
/// Entries that are read at once.
const PAGE: u32 = 1_000;

impl Desk {
    /// Somebody at a door, now.
    pub fn by(&self, actor: &str, cause: &str) -> By {
        By { actor: actor.to_owned(), cause: cause.to_owned(), at: self.clock.now() }
    }

    /// Writes an entry, and a line of the server's log. Without the database the line is there all the same, and what happened goes
    /// on: a desk whose log is full must still let an administrator in.
    pub async fn note_security(&self, by: By, event: &str, about: &str, details: Json) {
        tracing::info!(target: "vorgang::security", actor = by.actor, cause = by.cause, about, %details, "{event}");
        let entry = Entry { by, event: event.to_owned(), about: about.to_owned(), details };
        if let Err(e) = self.store.security_add(vec![entry]).await {
            tracing::error!(event, about, "the log of security could not be written: {e}");
        }
    }

    /// An act that a person has no right to: a command on a ticket, or a method and a path. So many a minute, and no more, of one person.
    pub async fn note_denied(&self, by: By, act: &str, about: &str) {
        if self.quotas.spend(Quotas::default(), Kind::Denied, &by.actor, Instant::now()).is_ok() {
            // The path is the caller's own text.
            let about = &about[..about.floor_char_boundary(ABOUT_MAX)];
            self.note_security(by, "denied", about, json!({"act": act})).await;
        }
    }
}

/// An entry as command line and API give it.
pub fn entry_json(row: &LogRow) -> Json {
    json!({
        "id": row.id, "at": Timestamp::from_microsecond(row.at).ok(), "actor": row.actor, "cause": row.cause, "event": row.event,
        "about": row.about, "details": details(row),
    })
}

/// What else an entry says.
pub fn details(row: &LogRow) -> Json {
    serde_json::from_str(&row.details).unwrap_or_else(|_| row.details.clone().into())
}

/// Verifies the log: the number of entries, and a finding for each that was changed, removed or moved.
pub async fn verify(store: &dyn Store) -> Result<(u64, Vec<String>)> {
    let (mut after, mut previous, mut count, mut findings) = (0, GENESIS, 0, vec![]);
    loop {
        let page = store.security_list(None, None, after, PAGE).await?;
        for e in &page {
            let wanted = security::hash(previous, e.at, [&e.actor, &e.cause, &e.event, &e.about, &e.details]);
            if wanted != e.hash {
                findings.push(format!("log of security, entry {}: it or one before it was changed", e.id));
            }
            (previous, after) = (e.hash, e.id);
        }
        count += page.len() as u64;
        if page.len() < PAGE as usize {
            return Ok((count, findings));
        }
    }
}
