//! Content that is erased: rows are written again without it.

use crate::arg::args;
use crate::rows::{committed, error};
use crate::store::PostgresStore;
use crate::tables::redaction::NAMED;
use async_trait::async_trait;
use sqlx::Row;
use vorgang_core::ids::{IncidentId, Seq, TicketId};
use vorgang_store::redaction::{Copies, Redactions};
use vorgang_store::{Result, StoreError};

#[async_trait]
impl Redactions for PostgresStore {
    async fn copies(&self, ticket: TicketId) -> Result<Copies> {
        let mut copies = Copies::default();
        for r in self.server.ask("SELECT seq, body FROM incident WHERE ticket_id = $1 ORDER BY seq", args![ticket]).await? {
            copies.incidents.push((IncidentId(r.try_get::<i64, _>(0).map_err(error)? as Seq), r.try_get(1).map_err(error)?));
        }
        for r in self.server.ask("SELECT id, payload FROM delivery WHERE ticket_id = $1 ORDER BY id", args![ticket]).await? {
            copies.outbox.push((r.try_get(0).map_err(error)?, r.try_get(1).map_err(error)?));
        }
        let sql = "SELECT id, subject, body FROM notification WHERE ticket_id = $1 ORDER BY id";
        for r in self.server.ask(sql, args![ticket]).await? {
            copies.notifications.push((r.try_get(0).map_err(error)?, r.try_get(1).map_err(error)?, r.try_get(2).map_err(error)?));
        }
        Ok(copies)
    }

    async fn files_forget(&self, hashes: &[String]) -> Result<()> {
        for hash in hashes {
            // Held first: a commit that names the same content has the row too, and is seen once it is ours.
            let mut tx = self.server.begin().await?;
            sqlx::query("SELECT 1 FROM blob WHERE hash = $1 FOR UPDATE").bind(hash).execute(&mut *tx).await.map_err(error)?;
            if sqlx::query(NAMED).bind(hash).fetch_optional(&mut *tx).await.map_err(error)?.is_some() {
                continue;
            }
            sqlx::query("DELETE FROM blob WHERE hash = $1").bind(hash).execute(&mut *tx).await.map_err(error)?;
            committed(tx).await?;
            if let Some(files) = &self.files {
                files.forget(hash).await.map_err(|e| StoreError::Unavailable(format!("the file {hash} could not be removed: {e}")))?;
            }
        }
        Ok(())
    }
}
