//! Content that is erased: rows are written again without it.

use crate::open::SqliteStore;
use crate::rows::error;
use crate::tables::redaction::NAMED;
use async_trait::async_trait;
use rusqlite::OptionalExtension;
use vorgang_core::ids::{IncidentId, TicketId};
use vorgang_store::redaction::{Copies, Redactions};
use vorgang_store::{Result, StoreError};

#[async_trait]
impl Redactions for SqliteStore {
    async fn copies(&self, ticket: TicketId) -> Result<Copies> {
        let c = self.reader();
        let read = || -> rusqlite::Result<Copies> {
            let mut all = c.prepare_cached("SELECT seq, body FROM incident WHERE ticket_id = ?1 ORDER BY seq")?;
            let incidents = all.query_map([ticket.0], |r| Ok((r.get(0).map(IncidentId)?, r.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
            let mut all = c.prepare_cached("SELECT id, payload FROM delivery WHERE ticket_id = ?1 ORDER BY id")?;
            let outbox = all.query_map([ticket.0], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
            let mut all = c.prepare_cached("SELECT id, subject, body FROM notification WHERE ticket_id = ?1 ORDER BY id")?;
            let notifications = all.query_map([ticket.0], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?.collect::<rusqlite::Result<_>>()?;
            Ok(Copies { incidents, outbox, notifications })
        };
        read().map_err(error)
    }

    async fn files_forget(&self, hashes: &[String]) -> Result<()> {
        for hash in hashes {
            let named = self.reader().query_row(NAMED, [hash], |_| Ok(())).optional().map_err(error)?.is_some();
            if let (false, Some(files)) = (named, &self.files) {
                files.forget(hash).await.map_err(|e| StoreError::Unavailable(format!("the file {hash} could not be removed: {e}")))?;
            }
        }
        Ok(())
    }
}
