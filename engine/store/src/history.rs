//! What has happened to tickets.

use crate::{Result, StoreError};
use async_trait::async_trait;
use jiff::Timestamp;
use vorgang_core::chain::{self, Hash, Link, Payload};
use vorgang_core::event::Event;
use vorgang_core::ids::TicketId;

#[derive(Debug, Clone)]
pub struct NewHistory {
    pub at: Timestamp,
    pub actor: String,
    pub command: String,
    pub cause: String,
    pub payload: Payload,
    pub salt: [u8; 16],
    pub personal_digest: Hash,
    pub hash: Hash,
}

/// A history row as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    pub ticket: TicketId,
    pub version: u64,
    pub format: u32,
    pub at: i64,
    pub actor: String,
    pub command: String,
    pub cause: String,
    pub events: String,
    /// `None` once erased.
    pub personal: Option<String>,
    pub salt: Vec<u8>,
    pub personal_digest: Hash,
    pub hash: Hash,
}

impl HistoryRow {
    /// The events. Of content that was erased something empty is left; a row without its personal part has none to tell.
    pub fn events_read(&self) -> Result<Vec<Event>> {
        match &self.personal {
            Some(personal) => chain::join(self.format, &self.events, personal).map_err(|e| self.unreadable(e)),
            None => Ok(vec![]),
        }
    }

    fn unreadable(&self, why: chain::Unreadable) -> StoreError {
        match StoreError::from(why) {
            StoreError::Newer(why) => StoreError::Newer(format!("the history of ticket {}, version {}: {why}", self.ticket, self.version)),
            StoreError::Corrupt(why) => {
                StoreError::Corrupt(format!("the history of ticket {}, version {}: {why}", self.ticket, self.version))
            }
            other => other,
        }
    }

    /// What its hash is where it follows the row with this one.
    pub fn hash_after(&self, previous: Hash) -> Hash {
        chain::hash(&Link {
            ticket: self.ticket,
            version: self.version,
            format: self.format,
            at: self.at,
            actor: &self.actor,
            command: &self.command,
            cause: &self.cause,
            events: &self.events,
            salt: &self.salt,
            personal_digest: self.personal_digest,
            previous,
        })
    }
}

#[async_trait]
pub trait Histories: Send + Sync {
    async fn history_list(&self, ticket: TicketId, after_version: u64, limit: u32) -> Result<Vec<HistoryRow>>;
    /// Rows of all tickets in the order of (ticket, version), behind the one named, for verifying.
    async fn history_scan(&self, after: (TicketId, u64), limit: u32) -> Result<Vec<HistoryRow>>;
    /// The hash that each ticket's row carries, for verifying; in the order of ids.
    async fn heads(&self, after: TicketId, limit: u32) -> Result<Vec<(TicketId, u64, Hash)>>;
}
