//! Work and incidents that wait for people.

use crate::filter_sql::Plan;
use crate::read;
use crate::rows::{TICKET_ROW, error, json};
use crate::store::PostgresStore;
use async_trait::async_trait;
use sqlx::Row;
use sqlx::postgres::PgRow;
use vorgang_core::filter::Filter;
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_store::{IncidentRow, OpenWork, Result, WorkRow};

#[async_trait]
impl OpenWork for PostgresStore {
    async fn work_list(&self, keys: &[String], rights: &Filter, limit: u32) -> Result<Vec<WorkRow>> {
        let mut ids: Vec<i64> = keys.iter().filter_map(|k| self.names.find("audience", k)).collect();
        if ids.len() < keys.len() && self.node.has_others() {
            self.reload().await?;
            ids = keys.iter().filter_map(|k| self.names.find("audience", k)).collect();
        }
        if ids.is_empty() {
            return Ok(vec![]);
        }
        // The newest keys first, then their rows. What is for somebody is visible to that person but for removed tickets,
        // so twice the limit is enough.
        let text = format!(
            "SELECT {TICKET_ROW}, {}, i.process FROM (SELECT DISTINCT ticket_id, seq FROM work_audience WHERE key_id = ANY (",
            read::work_column("w")
        );
        let sql = self
            .sql(text, Plan::Walk)
            .arg(ids)
            .push(") ORDER BY ticket_id DESC, seq LIMIT ")
            .arg(i64::from(limit) * 2)
            .push(
                ") a JOIN work w ON w.ticket_id = a.ticket_id AND w.seq = a.seq JOIN ticket t ON t.id = a.ticket_id \
                 JOIN instance i ON i.ticket_id = w.ticket_id AND i.seq = w.instance WHERE ",
            )
            .all(&[rights])
            .push(" ORDER BY a.ticket_id DESC, w.seq LIMIT ")
            .arg(limit);
        let rows = self.server.ask(sql.text, sql.args).await?;
        let row = |r: &PgRow| {
            let Some(ticket) = self.ticket_row(r)? else { return Ok(None) };
            let item = read::work_item(json(r.try_get(12).map_err(error)?)?)?;
            Ok(Some(WorkRow { ticket, item, process: r.try_get(13).map_err(error)? }))
        };
        self.named(&rows, row).await
    }

    async fn incident_list(&self, rights: &Filter, limit: u32) -> Result<Vec<IncidentRow>> {
        let text = "SELECT t.id, t.number, i.body FROM incident i JOIN ticket t ON t.id = i.ticket_id WHERE i.resolved IS NULL AND ";
        let sql = self.sql(text, Plan::Gather).all(&[rights]).push(" ORDER BY i.raised DESC LIMIT ").arg(limit);
        let mut all = vec![];
        for r in self.server.ask(sql.text, sql.args).await? {
            let incident = json(r.try_get(2).map_err(error)?)?;
            all.push(IncidentRow {
                ticket: r.try_get(0).map(TicketId).map_err(error)?,
                number: r.try_get::<String, _>(1).map(TicketNumber::from).map_err(error)?,
                incident,
            });
        }
        Ok(all)
    }
}
