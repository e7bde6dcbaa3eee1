//! What has happened to tickets.

use crate::arg::args;
use crate::rows::{HISTORY_ROW, error, hash, history_row};
use crate::store::PostgresStore;
use async_trait::async_trait;
use sqlx::Row;
use sqlx::postgres::PgRow;
use vorgang_core::chain::Hash;
use vorgang_core::ids::TicketId;
use vorgang_store::{Histories, HistoryRow, Result};

#[async_trait]
impl Histories for PostgresStore {
    async fn history_list(&self, ticket: TicketId, after_version: u64, limit: u32) -> Result<Vec<HistoryRow>> {
        let sql = format!("SELECT {HISTORY_ROW} FROM history WHERE ticket_id = $1 AND version > $2 ORDER BY version LIMIT $3");
        let rows = self.server.ask(sql, args![ticket, after_version, limit]).await?;
        rows.iter().map(|r| history_row(r).map_err(error)).collect()
    }

    async fn history_scan(&self, after: (TicketId, u64), limit: u32) -> Result<Vec<HistoryRow>> {
        let sql = format!("SELECT {HISTORY_ROW} FROM history WHERE (ticket_id, version) > ($1, $2) ORDER BY ticket_id, version LIMIT $3");
        let rows = self.server.ask(sql, args![after.0, after.1, limit]).await?;
        rows.iter().map(|r| history_row(r).map_err(error)).collect()
    }

    async fn heads(&self, after: TicketId, limit: u32) -> Result<Vec<(TicketId, u64, Hash)>> {
        let rows = self.server.ask("SELECT id, version, head FROM ticket WHERE id > $1 ORDER BY id LIMIT $2", args![after, limit]).await?;
        let head = |r: &PgRow| Ok((r.try_get(0).map(TicketId)?, r.try_get::<i64, _>(1)? as u64, hash(r.try_get(2)?)?));
        rows.iter().map(|r| head(r).map_err(error)).collect()
    }
}
