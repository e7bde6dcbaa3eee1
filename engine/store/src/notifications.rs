//! What people are told in the portal.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use vorgang_core::ids::TicketNumber;
use vorgang_core::people::Settings;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationRow {
    pub id: i64,
    pub number: TicketNumber,
    pub name: String,
    pub subject: String,
    pub body: String,
    pub at: Timestamp,
    pub read: bool,
    /// The one who is away, for whom it was meant.
    pub instead_of: Option<String>,
}

#[async_trait]
pub trait Notifications: Send + Sync {
    /// The newest first.
    async fn notification_list(&self, login: &str, limit: u32) -> Result<Vec<NotificationRow>>;
    async fn notification_unread(&self, login: &str) -> Result<u64>;
    /// One, or all of this person's; the number of the one's ticket.
    async fn notifications_read(&self, login: &str, id: Option<i64>, at: Timestamp) -> Result<Option<String>>;
    async fn settings_save(&self, login: &str, settings: &Settings) -> Result<()>;
}
