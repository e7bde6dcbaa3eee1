//! What happened to people and definitions, on its way to the handlers.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use vorgang_core::desk_event::DeskEvent;

#[derive(Debug, Clone, PartialEq)]
pub struct DeskEventRow {
    pub id: i64,
    pub at: Timestamp,
    pub event: DeskEvent,
    /// Why a handler failed.
    pub error: Option<String>,
}

#[async_trait]
pub trait DeskEvents: Send + Sync {
    /// The oldest first: those that are to be handled, or those that failed.
    async fn desk_events(&self, failed: bool, limit: u32) -> Result<Vec<DeskEventRow>>;
    /// No handler makes anything of it.
    async fn desk_event_done(&self, id: i64) -> Result<()>;
    /// It failed, or (`None`) is to be tried again.
    async fn desk_event_mark(&self, id: i64, error: Option<&str>) -> Result<()>;
}
