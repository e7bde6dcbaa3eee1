//! Jobs: schedules, runs, and what a run has done.

use crate::arg::args;
use crate::filter_sql::{Plan, Sql};
use crate::rows::texts;
use crate::rows::{committed, error, json, micros, text, time};
use crate::server::bounded;
use crate::store::PostgresStore;
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;
use vorgang_core::filter::{Column, Compare, Filter};
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_store::names::NameIds;
use vorgang_store::{JobRun, JobSummary, Jobs, Result, StoreError};

/// Runs of each job that are kept.
const RUNS_KEPT: i64 = 500;

impl PostgresStore {
    pub(crate) async fn seen(&self, job: &str, schedule: &str, now: Timestamp) -> Result<Timestamp> {
        let sql = "INSERT INTO job (name, schedule, seen) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET \
             seen = CASE WHEN job.schedule = excluded.schedule THEN job.seen ELSE excluded.seen END, schedule = excluded.schedule RETURNING seen";
        // Asked often and changed seldom.
        let known = self.server.ask("SELECT seen FROM job WHERE name = $1 AND schedule = $2", args![job, schedule]).await?;
        let rows = if known.is_empty() { self.server.tell(sql, args![job, schedule, micros(now)]).await? } else { known };
        rows[0].try_get(0).and_then(time).map_err(error)
    }

    /// The tick and its run in one: whoever comes second gets none.
    pub(crate) async fn begin_run(&self, run: JobRun) -> Result<Option<JobRun>> {
        let mut tx = self.server.begin().await?;
        if let Some(tick) = run.tick {
            let sql = "UPDATE job SET seen = $2 WHERE name = $1 AND seen < $2";
            let moved = sqlx::query(sql).bind(&run.job).bind(micros(tick)).execute(&mut *tx).await.map_err(error)?;
            if moved.rows_affected() == 0 {
                return Ok(None);
            }
        }
        let sql = "DELETE FROM job_run WHERE job = $1 AND ended IS NOT NULL AND id <= \
             (SELECT id FROM job_run WHERE job = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)";
        sqlx::query(sql).bind(&run.job).bind(RUNS_KEPT).execute(&mut *tx).await.map_err(error)?;
        let sql = "INSERT INTO job_run (job, tick, started, by, cursor, summary) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT DO NOTHING RETURNING id";
        let new = sqlx::query(sql).bind(&run.job).bind(run.tick.map(micros)).bind(micros(run.started)).bind(&run.by).bind(run.cursor);
        let new = new.bind(text(&run.summary)?).fetch_optional(&mut *tx).await.map_err(error)?;
        committed(tx).await?;
        let id = new.map(|r| r.try_get::<i64, _>(0).map_err(error)).transpose()?;
        Ok(id.map(|id| JobRun { id, ..run }))
    }

    /// The batch is done: its marks are counted and go, the cursor stands behind it. Only whoever holds the job may say so.
    pub(crate) async fn progress(&self, run: &mut JobRun) -> Result<()> {
        let mut tx = self.server.begin().await?;
        // The run's row first: whoever marks a ticket meanwhile is counted, or comes too late.
        let sql = "SELECT 1 FROM job_run r WHERE r.id = $1 AND r.cursor <= $2 AND NOT EXISTS \
             (SELECT 1 FROM lane l JOIN node n ON n.id = l.node WHERE l.name = $3 AND l.node <> $4) FOR UPDATE OF r";
        let lane = format!("job {}", run.job);
        let mine = sqlx::query(sql).bind(run.id).bind(run.cursor).bind(lane).bind(self.node.id());
        if mine.fetch_optional(&mut *tx).await.map_err(error)?.is_none() {
            return Err(StoreError::Conflict);
        }
        // A run that was cut has done tickets ahead of the cursor too. Their marks stay until it is behind them, or the run has ended.
        let up_to = if run.ended.is_some() { i64::MAX } else { run.cursor };
        let sql = "WITH gone AS (DELETE FROM job_done WHERE run = $1 AND ticket_id <= $2 RETURNING failed) \
             SELECT count(*) FILTER (WHERE NOT failed), count(*) FILTER (WHERE failed) FROM gone";
        let counted = sqlx::query(sql).bind(run.id).bind(up_to).fetch_one(&mut *tx).await.map_err(error)?;
        let (done, failed): (i64, i64) = (counted.try_get(0).map_err(error)?, counted.try_get(1).map_err(error)?);
        let mut summary = run.summary.clone();
        summary.done += done as u64;
        summary.failed += failed as u64;
        let sql = "UPDATE job_run SET cursor = $2, summary = $3, ended = $4 WHERE id = $1";
        let update = sqlx::query(sql).bind(run.id).bind(run.cursor).bind(text(&summary)?).bind(run.ended.map(micros));
        update.execute(&mut *tx).await.map_err(error)?;
        committed(tx).await?;
        run.summary = summary;
        Ok(())
    }

    /// The newest first.
    pub(crate) async fn runs(&self, job: Option<&str>, open: bool, limit: u32) -> Result<Vec<JobRun>> {
        let and = if open { " AND ended IS NULL" } else { "" };
        let sql = format!(
            "SELECT id, job, tick, started, ended, by, cursor, summary FROM job_run WHERE ($1::text IS NULL OR job = $1){and} ORDER BY id DESC LIMIT $2"
        );
        let mut all = vec![];
        for r in self.server.ask(sql, args![job, limit]).await? {
            let maybe = |at: usize| r.try_get::<Option<i64>, _>(at).and_then(|t| t.map(time).transpose()).map_err(error);
            all.push(JobRun {
                id: r.try_get(0).map_err(error)?,
                job: r.try_get(1).map_err(error)?,
                tick: maybe(2)?,
                started: r.try_get(3).and_then(time).map_err(error)?,
                ended: maybe(4)?,
                by: r.try_get(5).map_err(error)?,
                cursor: r.try_get(6).map_err(error)?,
                summary: json::<JobSummary>(r.try_get(7).map_err(error)?)?,
            });
        }
        Ok(all)
    }
}

/// Tickets behind the cursor in the order of their ids, without those that the run has done.
pub fn tickets<'a>(names: &'a NameIds, filter: &Filter, run: i64, after: i64, limit: u32) -> Sql<'a> {
    let by_index = indexed(names, filter);
    let plan = if by_index { Plan::Gather } else { Plan::Walk };
    let sql = Sql::new("SELECT t.id, t.number FROM ticket t WHERE ", names, plan).all(&[filter]);
    // Wrapped, the id keeps the planner from walking through all tickets instead.
    let (cursor, order) =
        if by_index { (" AND t.id + 0 > ", " ORDER BY t.id + 0 LIMIT ") } else { (" AND t.id > ", " ORDER BY t.id LIMIT ") };
    sql.push(cursor)
        .arg(after)
        .push(" AND NOT EXISTS (SELECT 1 FROM job_done d WHERE d.run = ")
        .arg(run)
        .push(" AND d.ticket_id = t.id)")
        .push(order)
        .arg(limit)
}

/// Does an index find the tickets of a filter?
fn indexed(names: &NameIds, filter: &Filter) -> bool {
    match filter {
        Filter::Queue(_) | Filter::Owner(_) | Filter::Customer(_) | Filter::CustomerUser(_) => true,
        Filter::Time { column: Column::PendingUntil, .. } => true,
        Filter::Field { name, compare, value } => *compare != Compare::NotEqual && !value.is_boolean() && names.indexed(name),
        Filter::And(parts) => parts.iter().any(|f| indexed(names, f)),
        _ => false,
    }
}

#[async_trait]
impl Jobs for PostgresStore {
    async fn job_seen(&self, job: &str, schedule: &str, now: Timestamp) -> Result<Timestamp> {
        self.seen(job, schedule, now).await
    }

    async fn job_pass(&self, job: &str, to: Timestamp) -> Result<()> {
        self.server.tell("UPDATE job SET seen = greatest(seen, $2) WHERE name = $1", args![job, micros(to)]).await.map(|_| ())
    }

    async fn jobs_ahead(&self, of: Timestamp) -> Result<Vec<(String, Timestamp)>> {
        let rows = self.server.ask("SELECT name, seen FROM job WHERE seen > $1 ORDER BY name", args![micros(of)]).await?;
        rows.iter().map(|r| Ok((r.try_get(0).map_err(error)?, r.try_get(1).and_then(time).map_err(error)?))).collect()
    }

    async fn job_back(&self, job: &str, to: Timestamp) -> Result<()> {
        self.server.tell("UPDATE job SET seen = least(seen, $2) WHERE name = $1", args![job, micros(to)]).await.map(|_| ())
    }

    async fn job_keep(&self, jobs: &[String]) -> Result<()> {
        self.server.tell("DELETE FROM job WHERE NOT name = ANY ($1)", args![jobs.to_vec()]).await.map(|_| ())
    }

    async fn job_start(&self, job: &str, tick: Option<Timestamp>, by: &str, now: Timestamp, missed: u64) -> Result<Option<JobRun>> {
        let summary = JobSummary { missed, ..JobSummary::default() };
        let run = JobRun { id: 0, job: job.to_owned(), tick, started: now, ended: None, by: by.to_owned(), cursor: 0, summary };
        bounded(self.begin_run(run)).await
    }

    async fn job_progress(&self, run: &mut JobRun) -> Result<()> {
        bounded(self.progress(run)).await
    }

    async fn job_runs(&self, job: Option<&str>, open: bool, limit: u32) -> Result<Vec<JobRun>> {
        self.runs(job, open, limit).await
    }

    async fn job_tickets(&self, filter: &Filter, run: i64, after: i64, limit: u32) -> Result<Vec<(TicketId, TicketNumber)>> {
        let sql = tickets(&self.names, filter, run, after, limit);
        let rows = self.server.ask(sql.text, sql.args).await?;
        rows.iter()
            .map(|r| Ok((r.try_get(0).map(TicketId).map_err(error)?, r.try_get::<String, _>(1).map(TicketNumber::from).map_err(error)?)))
            .collect()
    }

    async fn job_done(&self, run: i64) -> Result<u64> {
        let rows = self.server.ask("SELECT count(*) FROM job_done WHERE run = $1", args![run]).await?;
        rows[0].try_get::<i64, _>(0).map(|n| n as u64).map_err(error)
    }

    async fn job_plan(&self, filter: &Filter) -> Result<(String, Vec<String>)> {
        let sql = tickets(&self.names, filter, 0, 0, 500);
        let plan = texts(&self.server.ask(format!("EXPLAIN {}", sql.text), sql.args).await?)?;
        Ok((sql.text, plan))
    }
}
