//! Work and incidents that wait for people.

use crate::{Result, TicketRow};
use async_trait::async_trait;
use vorgang_core::filter::Filter;
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_core::snapshot::{Incident, WorkItem};

/// A work item in a list, with its ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkRow {
    pub ticket: TicketRow,
    pub item: WorkItem,
    pub process: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct IncidentRow {
    pub ticket: TicketId,
    pub number: TicketNumber,
    pub incident: Incident,
}

#[async_trait]
pub trait OpenWork: Send + Sync {
    async fn work_list(&self, keys: &[String], rights: &Filter, limit: u32) -> Result<Vec<WorkRow>>;
    async fn incident_list(&self, rights: &Filter, limit: u32) -> Result<Vec<IncidentRow>>;
}
