//! Messages to processes: what each carries, and whom it has reached. A delivery takes it there.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_core::message::Data;

/// A message as it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    pub name: String,
    pub data: Data,
    pub sent: Timestamp,
    pub by: String,
    /// Of the request: another one with the same key is the same message.
    pub key: Option<String>,
    pub until: Option<Timestamp>,
}

/// A message that is not everywhere yet.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenMessage {
    pub id: i64,
    pub name: String,
    pub data: Data,
    pub sent: Timestamp,
    pub until: Option<Timestamp>,
    /// How many messages set each other off before it.
    pub hops: u32,
    /// Tickets up to this id have been asked.
    pub cursor: i64,
    /// How many it has changed.
    pub reached: u64,
    /// All have been asked by then; it waits.
    pub looked: Option<Timestamp>,
}

#[async_trait]
pub trait Courier: Send + Sync {
    /// Its id; that of the first where the key was used before, if it is the same message, and `Conflict` if not.
    async fn message_send(&self, message: NewMessage) -> Result<i64>;
    /// One that is not everywhere yet.
    async fn message_open(&self, id: i64) -> Result<Option<OpenMessage>>;
    /// Tickets with a running instance of one of these processes (by hash), behind the stored cursor, that it has not changed; of
    /// one that waits only those that have changed since it was looked: (id, number).
    async fn message_tickets(&self, message: &OpenMessage, hashes: &[String], limit: u32) -> Result<Vec<(TicketId, TicketNumber)>>;
    /// Tickets up to the cursor are done; their marks are counted and go.
    async fn message_progress(&self, message: &mut OpenMessage) -> Result<()>;
    /// All have been asked: it waits from then on, or is closed.
    async fn message_asked(&self, id: i64, looked: Timestamp, closed: bool) -> Result<()>;
}
