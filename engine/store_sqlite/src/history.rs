//! What has happened to tickets.

use crate::open::SqliteStore;
use crate::reads::Kind;
use crate::rows::{HISTORY_ROW, error, hash, history_row};
use async_trait::async_trait;
use rusqlite::params;
use vorgang_core::chain::Hash;
use vorgang_core::ids::TicketId;
use vorgang_store::{Histories, HistoryRow, Result};

#[async_trait]
impl Histories for SqliteStore {
    async fn history_list(&self, ticket: TicketId, after_version: u64, limit: u32) -> Result<Vec<HistoryRow>> {
        let c = self.reader();
        let sql = format!("SELECT {HISTORY_ROW} FROM history WHERE ticket_id = ?1 AND version > ?2 ORDER BY version LIMIT ?3");
        let mut statement = c.prepare_cached(&sql).map_err(error)?;
        let rows = statement.query_map(params![ticket.0, after_version as i64, limit], history_row).map_err(error)?;
        rows.collect::<rusqlite::Result<_>>().map_err(error)
    }

    async fn history_scan(&self, after: (TicketId, u64), limit: u32) -> Result<Vec<HistoryRow>> {
        self.read_patiently(Kind::Scan, |c| {
            let sql =
                format!("SELECT {HISTORY_ROW} FROM history WHERE (ticket_id, version) > (?1, ?2) ORDER BY ticket_id, version LIMIT ?3");
            let mut statement = c.prepare_cached(&sql).map_err(error)?;
            let rows = statement.query_map(params![after.0.0, after.1 as i64, limit], history_row).map_err(error)?;
            rows.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }

    async fn heads(&self, after: TicketId, limit: u32) -> Result<Vec<(TicketId, u64, Hash)>> {
        self.read_patiently(Kind::Scan, |c| {
            let mut statement =
                c.prepare_cached("SELECT id, version, head FROM ticket WHERE id > ?1 ORDER BY id LIMIT ?2").map_err(error)?;
            let read = |r: &rusqlite::Row| Ok((r.get(0).map(TicketId)?, r.get::<_, i64>(1)? as u64, hash(&r.get::<_, Vec<u8>>(2)?)?));
            statement.query_map(params![after.0, limit], read).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }
}
