//! Work and incidents that wait for people.

use crate::filter_sql::{Plan, sql_where};
use crate::open::SqliteStore;
use crate::read;
use crate::reads::Kind;
use crate::rows::{self, TICKET_ROW, error, ticket_row};
use async_trait::async_trait;
use rusqlite::params_from_iter;
use rusqlite::types::Value;
use vorgang_core::filter::Filter;
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_store::{IncidentRow, OpenWork, Result, WorkRow};

#[async_trait]
impl OpenWork for SqliteStore {
    async fn work_list(&self, keys: &[String], rights: &Filter, limit: u32) -> Result<Vec<WorkRow>> {
        let ids: Vec<i64> = keys.iter().filter_map(|k| self.names.find("audience", k)).collect();
        if ids.is_empty() {
            return Ok(vec![]);
        }
        let (condition, params) = sql_where(Plan::Walk, &self.names, &[rights]);
        let marks = vec!["?"; ids.len()].join(", ");
        // The newest keys first, then their rows: sorting keys is cheap, and few rows are read. What is for somebody is
        // visible to that person but for removed tickets, so twice the limit is enough.
        let sql = format!(
            "SELECT {TICKET_ROW}, {}, i.process FROM \
             (SELECT DISTINCT ticket_id, seq FROM work_audience WHERE key_id IN ({marks}) ORDER BY ticket_id DESC, seq LIMIT ?) a \
             JOIN work w ON w.ticket_id = a.ticket_id AND w.seq = a.seq JOIN ticket t ON t.id = a.ticket_id \
             JOIN instance i ON i.ticket_id = w.ticket_id AND i.seq = w.instance \
             WHERE {condition} ORDER BY a.ticket_id DESC, w.seq LIMIT ?",
            read::WORK
        );
        let mut all: Vec<Value> = ids.into_iter().map(Value::Integer).collect();
        all.push(Value::Integer(i64::from(limit) * 2));
        all.extend(params);
        all.push(Value::Integer(limit.into()));
        self.read(Kind::Work, |c| {
            let mut statement = c.prepare_cached(&sql).map_err(error)?;
            let row =
                |r: &rusqlite::Row| Ok(WorkRow { ticket: ticket_row(r, &self.names)?, item: read::work_item(r, 12)?, process: r.get(22)? });
            statement.query_map(params_from_iter(&all), row).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }

    async fn incident_list(&self, rights: &Filter, limit: u32) -> Result<Vec<IncidentRow>> {
        let (condition, mut params) = sql_where(Plan::Gather, &self.names, &[rights]);
        params.push(Value::Integer(limit.into()));
        let sql = format!(
            "SELECT t.id, t.number, i.body FROM incident i JOIN ticket t ON t.id = i.ticket_id \
             WHERE i.resolved IS NULL AND {condition} ORDER BY i.raised DESC LIMIT ?"
        );
        self.read(Kind::Incidents, |c| {
            let mut statement = c.prepare_cached(&sql).map_err(error)?;
            let row = |r: &rusqlite::Row| {
                Ok(IncidentRow {
                    ticket: r.get(0).map(TicketId)?,
                    number: r.get::<_, String>(1).map(TicketNumber::from)?,
                    incident: rows::json(&r.get::<_, String>(2)?)?,
                })
            };
            statement.query_map(params_from_iter(&params), row).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }
}
