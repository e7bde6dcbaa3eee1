//! Tickets, and what one command changes of them.

use crate::filter_sql::{Plan, sql_where};
use crate::open::SqliteStore;
use crate::read;
use crate::reads::Kind;
use crate::rows::{TICKET_ROW, error, ticket_row, time};
use crate::writer::{Writer, commit};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use vorgang_core::filter::Filter;
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_core::snapshot::{Instance, Step};
use vorgang_store::files::{has_large, store_large};
use vorgang_store::{Commit, Count, Page, Result, Sort, Stored, TicketRow, Tickets};

#[async_trait]
impl Tickets for SqliteStore {
    async fn ticket_load(&self, number: &str) -> Result<Option<Stored>> {
        let c = self.writer.as_ref().and_then(Writer::idle).unwrap_or_else(|| self.reader());
        read::together(&c, || read::by_number(&c, &self.names, number))
    }

    async fn ticket_load_by_id(&self, id: TicketId) -> Result<Option<Stored>> {
        let c = self.reader();
        read::together(&c, || read::by_id(&c, &self.names, id))
    }

    async fn ticket_number(&self, id: TicketId) -> Result<Option<TicketNumber>> {
        let c = self.reader();
        let mut statement = c.prepare_cached("SELECT number FROM ticket WHERE id = ?1").map_err(error)?;
        let number = statement.query_row([id.0], |r| r.get::<_, String>(0)).optional().map_err(error)?;
        Ok(number.map(TicketNumber::from))
    }

    async fn tickets_load(&self, ids: &[TicketId]) -> Result<Vec<Stored>> {
        let c = self.reader();
        let load = |id: &TicketId| read::by_id(&c, &self.names, *id).transpose();
        read::together(&c, || ids.iter().filter_map(load).collect())
    }

    async fn ticket_runs(&self, id: TicketId) -> Result<(Vec<Instance>, Vec<Step>)> {
        let c = self.reader();
        Ok((read::instances(&c, id, "").map_err(error)?, read::steps(&c, id).map_err(error)?))
    }

    async fn commit(&self, mut new: Commit) -> Result<()> {
        if let Some(files) = self.files.as_ref().filter(|_| has_large(&new)) {
            store_large(&**files, &mut new).await?;
        }
        let names = self.names.clone();
        self.writer()?.write(false, move |c, fresh| commit(c, &names, fresh, &new)).await.map(|_| ())
    }

    async fn ticket_list(&self, rights: &Filter, narrow: &Filter, sort: Sort, limit: u32, after: Option<i64>) -> Result<Page<TicketRow>> {
        let (condition, mut params) = sql_where(Plan::Walk, &self.names, &[rights, narrow]);
        let (order, compare) = if sort == Sort::NewestFirst { ("DESC", "<") } else { ("ASC", ">") };
        let cursor = if after.is_some() { format!(" AND t.id {compare} ?") } else { String::new() };
        params.extend(after.map(Value::Integer));
        params.push(Value::Integer(i64::from(limit) + 1));
        let sql = format!("SELECT {TICKET_ROW} FROM ticket t WHERE {condition}{cursor} ORDER BY t.id {order} LIMIT ?");
        self.read(Kind::Tickets, |c| {
            let mut statement = c.prepare_cached(&sql).map_err(error)?;
            let rows = statement.query_map(params_from_iter(&params), |r| ticket_row(r, &self.names)).map_err(error)?;
            let mut items = rows.collect::<rusqlite::Result<Vec<_>>>().map_err(error)?;
            let more = items.len() > limit as usize;
            items.truncate(limit as usize);
            let next = items.last().filter(|_| more).map(|r| r.id);
            Ok(Page { items, next })
        })
        .await
    }

    async fn ticket_counts(&self, rights: &Filter) -> Result<Vec<Count>> {
        let (condition, params) = sql_where(Plan::Gather, &self.names, &[rights]);
        let sql = format!("SELECT t.queue_id, t.state_id, count(*) FROM ticket t WHERE {condition} GROUP BY t.queue_id, t.state_id");
        self.read(Kind::Counts, |c| {
            let mut statement = c.prepare_cached(&sql).map_err(error)?;
            let count = |r: &rusqlite::Row| {
                Ok(Count { queue: self.names.name(r.get(0)?), state: self.names.name(r.get(1)?), tickets: r.get::<_, i64>(2)? as u64 })
            };
            statement.query_map(params_from_iter(&params), count).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }

    async fn ticket_count_all(&self) -> Result<u64> {
        let count =
            |c: &Connection| c.query_row("SELECT count(*) FROM ticket", [], |r| r.get::<_, i64>(0)).map(|n| n as u64).map_err(error);
        self.read(Kind::Counts, count).await
    }

    async fn links(&self, rights: &Filter, ticket: TicketId) -> Result<Vec<(TicketRow, String)>> {
        let (condition, params) = sql_where(Plan::Gather, &self.names, &[rights]);
        let sql = format!(
            "SELECT {TICKET_ROW}, l.kind FROM (SELECT other_id AS id, kind FROM ticket_link WHERE ticket_id = ? UNION \
             SELECT ticket_id, CASE kind WHEN 'child' THEN 'parent' WHEN 'parent' THEN 'child' ELSE kind END FROM ticket_link WHERE other_id = ?) l \
             JOIN ticket t ON t.id = l.id WHERE {condition} ORDER BY l.kind, t.id LIMIT 200"
        );
        let all: Vec<Value> = [Value::Integer(ticket.0), Value::Integer(ticket.0)].into_iter().chain(params).collect();
        self.read(Kind::Links, |c| {
            let mut statement = c.prepare_cached(&sql).map_err(error)?;
            let row = |r: &rusqlite::Row| Ok((ticket_row(r, &self.names)?, r.get(12)?));
            statement.query_map(params_from_iter(&all), row).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }

    async fn ticket_newest_change(&self) -> Result<Option<Timestamp>> {
        let sql = "SELECT max(at) FROM (SELECT at FROM history ORDER BY id DESC LIMIT 100)";
        self.reader().query_row(sql, [], |r| r.get::<_, Option<i64>>(0)).and_then(|t| t.map(time).transpose()).map_err(error)
    }

    async fn number_block(&self, count: u32) -> Result<i64> {
        self.write(false, move |c| {
            c.query_row("UPDATE number_block SET next = next + ?1 WHERE id = 1 RETURNING next - ?1", [count], |r| r.get(0))
        })
        .await
    }
}
