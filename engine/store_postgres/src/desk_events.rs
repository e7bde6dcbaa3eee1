//! What happened to people and definitions.

use crate::arg::args;
use crate::rows::{error, json, time};
use crate::store::PostgresStore;
use async_trait::async_trait;
use sqlx::Row;
use vorgang_store::Result;
use vorgang_store::desk_events::{DeskEventRow, DeskEvents};

#[async_trait]
impl DeskEvents for PostgresStore {
    async fn desk_events(&self, failed: bool, limit: u32) -> Result<Vec<DeskEventRow>> {
        let sql = "SELECT id, at, event, error FROM desk_event WHERE (error IS NOT NULL) = $1 ORDER BY id LIMIT $2";
        let mut all = vec![];
        for r in self.server.ask(sql, args![failed, limit]).await? {
            all.push(DeskEventRow {
                id: r.try_get(0).map_err(error)?,
                at: r.try_get(1).and_then(time).map_err(error)?,
                event: json(r.try_get(2).map_err(error)?)?,
                error: r.try_get(3).map_err(error)?,
            });
        }
        Ok(all)
    }

    async fn desk_event_done(&self, id: i64) -> Result<()> {
        self.server.tell("DELETE FROM desk_event WHERE id = $1", args![id]).await.map(|_| ())
    }

    async fn desk_event_mark(&self, id: i64, why: Option<&str>) -> Result<()> {
        self.server.tell("UPDATE desk_event SET error = $2 WHERE id = $1", args![id, why]).await.map(|_| ())
    }
}
