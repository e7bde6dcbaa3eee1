//! What happened to people and definitions.

use crate::open::SqliteStore;
use crate::rows::{error, json, time};
use async_trait::async_trait;
use rusqlite::{Connection, Row, params};
use vorgang_store::Result;
use vorgang_store::desk_events::{DeskEventRow, DeskEvents};

#[async_trait]
impl DeskEvents for SqliteStore {
    async fn desk_events(&self, failed: bool, limit: u32) -> Result<Vec<DeskEventRow>> {
        let sql = "SELECT id, at, event, error FROM desk_event WHERE (error IS NOT NULL) = ?1 ORDER BY id LIMIT ?2";
        let c = self.reader();
        let mut statement = c.prepare_cached(sql).map_err(error)?;
        let row =
            |r: &Row| Ok(DeskEventRow { id: r.get(0)?, at: time(r.get(1)?)?, event: json(&r.get::<_, String>(2)?)?, error: r.get(3)? });
        statement.query_map(params![failed, limit], row).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
    }

    async fn desk_event_done(&self, id: i64) -> Result<()> {
        self.write(false, move |c| c.execute("DELETE FROM desk_event WHERE id = ?1", [id]).map(|n| n as i64)).await.map(|_| ())
    }

    async fn desk_event_mark(&self, id: i64, why: Option<&str>) -> Result<()> {
        let why = why.map(str::to_owned);
        let mark = move |c: &Connection| c.execute("UPDATE desk_event SET error = ?2 WHERE id = ?1", params![id, why]).map(|n| n as i64);
        self.write(false, mark).await.map(|_| ())
    }
}
