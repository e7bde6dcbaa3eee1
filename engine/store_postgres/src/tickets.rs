//! Tickets, and what one command changes of them.

use crate::arg::args;
use crate::filter_sql::Plan;
use crate::read;
use crate::rows::{TICKET_ROW, error, time};
use crate::store::PostgresStore;
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;
use vorgang_core::filter::Filter;
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_core::snapshot::{Instance, Step};
use vorgang_store::files::{has_large, store_large};
use vorgang_store::{Commit, Count, Page, Result, Sort, StoreError, Stored, TicketRow, Tickets};

#[async_trait]
impl Tickets for PostgresStore {
    async fn ticket_load(&self, number: &str) -> Result<Option<Stored>> {
        self.loaded("t.number = $1", args![number]).await.map(|mut l| l.pop())
    }

    async fn ticket_load_by_id(&self, id: TicketId) -> Result<Option<Stored>> {
        self.loaded("t.id = $1", args![id]).await.map(|mut l| l.pop())
    }

    async fn ticket_number(&self, id: TicketId) -> Result<Option<TicketNumber>> {
        let rows = self.server.ask("SELECT number FROM ticket WHERE id = $1", args![id]).await?;
        rows.first().map(|r| r.try_get::<String, _>(0).map(TicketNumber::from).map_err(error)).transpose()
    }

    async fn tickets_load(&self, ids: &[TicketId]) -> Result<Vec<Stored>> {
        self.loaded("t.id = ANY ($1) ORDER BY t.id", args![ids.iter().map(|id| id.0).collect::<Vec<i64>>()]).await
    }

    async fn ticket_runs(&self, id: TicketId) -> Result<(Vec<Instance>, Vec<Step>)> {
        read::runs(&self.server.ask(read::runs_sql(), args![id]).await?[0])
    }

    async fn commit(&self, mut commit: Commit) -> Result<()> {
        if let Some(files) = self.files.as_ref().filter(|_| has_large(&commit)) {
            store_large(&**files, &mut commit).await?;
        }
        let writer = self.writer.as_ref().ok_or_else(|| StoreError::Unavailable("opened for reading only".into()))?;
        writer.commit(commit).await
    }

    async fn ticket_list(&self, rights: &Filter, narrow: &Filter, sort: Sort, limit: u32, after: Option<i64>) -> Result<Page<TicketRow>> {
        let (order, compare) = if sort == Sort::NewestFirst { ("DESC", "<") } else { ("ASC", ">") };
        let mut sql = self.sql(format!("SELECT {TICKET_ROW} FROM ticket t WHERE "), Plan::Walk).all(&[rights, narrow]);
        if let Some(after) = after {
            sql = sql.push(" AND t.id ").push(compare).push(" ").arg(after);
        }
        let sql = sql.push(" ORDER BY t.id ").push(order).push(" LIMIT ").arg(i64::from(limit) + 1);
        let rows = self.server.ask(sql.text, sql.args).await?;
        let mut items = self.named(&rows, |r| self.ticket_row(r)).await?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = items.last().filter(|_| more).map(|r| r.id);
        Ok(Page { items, next })
    }

    async fn ticket_counts(&self, rights: &Filter) -> Result<Vec<Count>> {
        let sql = self.sql("SELECT t.queue_id, t.state_id, count(*) FROM ticket t WHERE ", Plan::Gather).all(&[rights]);
        let sql = sql.push(" GROUP BY t.queue_id, t.state_id");
        let rows = self.server.ask(sql.text, sql.args).await?;
        let count = |r: &PgRow| {
            let name = |at: usize| r.try_get(at).map(|id| self.names.find_name(id)).map_err(error);
            let (Some(queue), Some(state)) = (name(0)?, name(1)?) else { return Ok(None) };
            Ok(Some(Count { queue, state, tickets: r.try_get::<i64, _>(2).map_err(error)? as u64 }))
        };
        self.named(&rows, count).await
    }

    async fn ticket_count_all(&self) -> Result<u64> {
        let rows = self.server.ask("SELECT count(*) FROM ticket", vec![]).await?;
        rows[0].try_get::<i64, _>(0).map(|n| n as u64).map_err(error)
    }

    async fn links(&self, rights: &Filter, ticket: TicketId) -> Result<Vec<(TicketRow, String)>> {
        let text = format!(
            "SELECT {TICKET_ROW}, l.kind FROM (SELECT other_id AS id, kind FROM ticket_link WHERE ticket_id = $1 UNION \
             SELECT ticket_id, CASE kind WHEN 'child' THEN 'parent' WHEN 'parent' THEN 'child' ELSE kind END FROM ticket_link WHERE other_id = $1) l \
             JOIN ticket t ON t.id = l.id WHERE "
        );
        let mut sql = self.sql(text, Plan::Gather);
        sql.args.push(ticket.into());
        let sql = sql.all(&[rights]).push(" ORDER BY l.kind COLLATE \"C\", t.id LIMIT 200");
        let rows = self.server.ask(sql.text, sql.args).await?;
        let row = |r: &PgRow| {
            let Some(ticket) = self.ticket_row(r)? else { return Ok(None) };
            Ok(Some((ticket, r.try_get(12).map_err(error)?)))
        };
        self.named(&rows, row).await
    }

    async fn ticket_newest_change(&self) -> Result<Option<Timestamp>> {
        let sql = "SELECT max(at) FROM (SELECT at FROM history ORDER BY id DESC LIMIT 100) h";
        let rows = self.server.ask(sql, vec![]).await?;
        rows[0].try_get::<Option<i64>, _>(0).and_then(|t| t.map(time).transpose()).map_err(error)
    }

    async fn number_block(&self, count: u32) -> Result<i64> {
        let rows = self.server.tell("UPDATE number_block SET next = next + $1 WHERE id = 1 RETURNING next - $1", args![count]).await?;
        rows[0].try_get(0).map_err(error)
    }
}
