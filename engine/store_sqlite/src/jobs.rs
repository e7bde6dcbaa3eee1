//! Jobs: schedules, runs, and what a run has done.

use crate::filter_sql::{Plan, sql_where};
use crate::open::SqliteStore;
use crate::reads::Kind;
use crate::rows::{error, json, micros, time};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use vorgang_core::filter::{Column, Compare, Filter};
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_store::names::NameIds;
use vorgang_store::{JobRun, JobSummary, Jobs, Result, StoreError};

/// Runs of each job that are kept.
const RUNS_KEPT: u32 = 500;

/// Until when the schedule was looked at. A new or changed one begins now.
pub fn seen(c: &Connection, job: &str, schedule: &str, now: Timestamp) -> rusqlite::Result<i64> {
    c.query_row(
        "INSERT INTO job (name, schedule, seen) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET \
         seen = CASE WHEN schedule = excluded.schedule THEN seen ELSE excluded.seen END, schedule = excluded.schedule RETURNING seen",
        params![job, schedule, micros(now)],
        |r| r.get(0),
    )
}

/// The tick and its run in one: whoever comes second gets none, told as 0.
pub fn start(c: &Connection, run: &JobRun, summary: &str) -> rusqlite::Result<i64> {
    if let Some(tick) = run.tick
        && c.execute("UPDATE job SET seen = ?2 WHERE name = ?1 AND seen < ?2", params![run.job, micros(tick)])? == 0
    {
        return Ok(0);
    }
    c.execute(
        "DELETE FROM job_run WHERE job = ?1 AND ended IS NOT NULL AND id <= \
         (SELECT id FROM job_run WHERE job = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        params![run.job, RUNS_KEPT],
    )?;
    let sql =
        "INSERT INTO job_run (job, tick, started, by, cursor, summary) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING RETURNING id";
    let values = params![run.job, run.tick.map(micros), micros(run.started), run.by, run.cursor, summary];
    Ok(c.query_row(sql, values, |r| r.get(0)).optional()?.unwrap_or(0))
}

/// Marks of one batch are fewer than this.
const MARKS: i64 = 1 << 24;

/// The batch is done: its marks are counted and go, the cursor stands behind it. Gives what [`count`] reads.
pub fn progress(c: &Connection, mut run: JobRun) -> rusqlite::Result<i64> {
    // A run that was cut has done tickets ahead of the cursor too. Their marks stay until it is behind them, or the run has ended.
    let up_to = if run.ended.is_some() { i64::MAX } else { run.cursor };
    let marks = "SELECT count(*), coalesce(sum(failed), 0) FROM job_done WHERE run = ?1 AND ticket_id <= ?2";
    let (all, failed) = c.query_row(marks, [run.id, up_to], |r| Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?)))?;
    let counted = (all - failed) * MARKS + failed;
    count(&mut run.summary, counted);
    c.execute("DELETE FROM job_done WHERE run = ?1 AND ticket_id <= ?2", [run.id, up_to])?;
    let summary = text(&run.summary).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
    let sql = "UPDATE job_run SET cursor = ?2, summary = ?3, ended = ?4 WHERE id = ?1";
    c.execute(sql, params![run.id, run.cursor, summary, run.ended.map(micros)])?;
    Ok(counted)
}

/// Adds what [`progress`] has counted.
pub fn count(summary: &mut JobSummary, counted: i64) {
    summary.done += (counted / MARKS) as u64;
    summary.failed += (counted % MARKS) as u64;
}

/// The newest first. Those that are open are found by an index of their own: it is asked twice a second.
pub fn runs(c: &Connection, job: Option<&str>, open: bool, limit: u32) -> Result<Vec<JobRun>> {
    let and = if open { " AND ended IS NULL" } else { "" };
    let sql = format!(
        "SELECT id, job, tick, started, ended, by, cursor, summary FROM job_run WHERE (?1 IS NULL OR job = ?1){and} ORDER BY id DESC LIMIT ?2"
    );
    let mut statement = c.prepare_cached(&sql).map_err(error)?;
    let row = |r: &rusqlite::Row| {
        Ok(JobRun {
            id: r.get(0)?,
            job: r.get(1)?,
            tick: r.get::<_, Option<i64>>(2)?.map(time).transpose()?,
            started: time(r.get(3)?)?,
            ended: r.get::<_, Option<i64>>(4)?.map(time).transpose()?,
            by: r.get(5)?,
            cursor: r.get(6)?,
            summary: json(&r.get::<_, String>(7)?)?,
        })
    };
    statement.query_map(params![job, limit], row).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
}

/// Tickets behind the cursor in the order of their ids, without those that the run has done.
pub fn tickets(
    c: &Connection,
    names: &NameIds,
    filter: &Filter,
    run: i64,
    after: i64,
    limit: u32,
) -> Result<Vec<(TicketId, TicketNumber)>> {
    let (sql, params) = tickets_sql(names, filter, run, after, limit);
    let mut statement = c.prepare_cached(&sql).map_err(error)?;
    let rows = statement
        .query_map(params_from_iter(params), |r| Ok((r.get(0).map(TicketId)?, r.get::<_, String>(1).map(TicketNumber::from)?)))
        .map_err(error)?;
    rows.collect::<rusqlite::Result<_>>().map_err(error)
}

fn tickets_sql(names: &NameIds, filter: &Filter, run: i64, after: i64, limit: u32) -> (String, Vec<Value>) {
    let found = indexed(names, filter);
    let (condition, mut params) = sql_where(if found == Found::Nowhere { Plan::Walk } else { Plan::Gather }, names, &[filter]);
    params.extend([after, run, limit.into()].map(Value::Integer));
    // A `+` keeps the planner from walking through all tickets instead.
    let (and, cursor, order) = match found {
        Found::Nowhere => ("", "t.id", "t.id"),
        Found::There => ("", "+t.id", "t.id"),
        Found::ByField => ("", "+t.id", "+t.id"),
        Found::InAnyQueue => (" AND t.queue_id IN (SELECT id FROM name WHERE kind = 'queue')", "+t.id", "t.id"),
    };
    let sql = format!(
        "SELECT t.id, t.number FROM ticket t WHERE {condition}{and} AND {cursor} > ? \
         AND NOT EXISTS (SELECT 1 FROM job_done d WHERE d.run = ? AND d.ticket_id = t.id) ORDER BY {order} LIMIT ?"
    );
    (sql, params)
}

/// Whether an index finds the tickets of a filter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Nowhere,
    There,
    /// That of an own field, which a walk in the order of ids must not seem to beat.
    ByField,
    /// The index of queue and state, with every queue.
    InAnyQueue,
}

fn indexed(names: &NameIds, filter: &Filter) -> Found {
    match filter {
        Filter::Queue(_) | Filter::Owner(_) | Filter::Customer(_) | Filter::CustomerUser(_) => Found::There,
        Filter::Time { column: Column::PendingUntil, .. } => Found::There,
        Filter::Field { name, compare, .. } if *compare != Compare::NotEqual && names.indexed(name) => Found::ByField,
        Filter::State(_) => Found::InAnyQueue,
        Filter::And(parts) => {
            let parts: Vec<Found> = parts.iter().map(|f| indexed(names, f)).collect();
            let has = |found| parts.contains(&found);
            if has(Found::There) {
                Found::There
            } else if has(Found::ByField) {
                Found::ByField
            } else if has(Found::InAnyQueue) {
                Found::InAnyQueue
            } else {
                Found::Nowhere
            }
        }
        _ => Found::Nowhere,
    }
}

/// The query of [`tickets`], and how the database will run it.
pub fn plan(c: &Connection, names: &NameIds, filter: &Filter) -> Result<(String, Vec<String>)> {
    let (sql, params) = tickets_sql(names, filter, 0, 0, 500);
    // A plan is made without looking whether indexes have come or gone; reading something looks.
    c.query_row("SELECT count(*) FROM (SELECT id FROM ticket LIMIT 1)", [], |_| Ok(())).map_err(error)?;
    let mut statement = c.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).map_err(error)?;
    let rows = statement.query_map(params_from_iter(params), |r| r.get(3)).map_err(error)?;
    Ok((sql, rows.collect::<rusqlite::Result<_>>().map_err(error)?))
}

pub fn text(summary: &JobSummary) -> Result<String> {
    serde_json::to_string(summary).map_err(|e| StoreError::Corrupt(e.to_string()))
}

#[async_trait]
impl Jobs for SqliteStore {
    async fn job_seen(&self, job: &str, schedule: &str, now: Timestamp) -> Result<Timestamp> {
        let (job, schedule) = (job.to_owned(), schedule.to_owned());
        time(self.write(false, move |c| seen(c, &job, &schedule, now)).await?).map_err(error)
    }

    async fn job_pass(&self, job: &str, to: Timestamp) -> Result<()> {
        let job = job.to_owned();
        let sql = "UPDATE job SET seen = max(seen, ?2) WHERE name = ?1";
        self.write(false, move |c| c.execute(sql, params![job, micros(to)]).map(|n| n as i64)).await.map(|_| ())
    }

    async fn jobs_ahead(&self, of: Timestamp) -> Result<Vec<(String, Timestamp)>> {
        let c = self.reader();
        let mut statement = c.prepare_cached("SELECT name, seen FROM job WHERE seen > ?1 ORDER BY name").map_err(error)?;
        let rows = statement.query_map([micros(of)], |r| Ok((r.get(0)?, time(r.get(1)?)?))).map_err(error)?;
        rows.collect::<rusqlite::Result<_>>().map_err(error)
    }

    async fn job_back(&self, job: &str, to: Timestamp) -> Result<()> {
        let job = job.to_owned();
        let sql = "UPDATE job SET seen = min(seen, ?2) WHERE name = ?1";
        self.write(false, move |c| c.execute(sql, params![job, micros(to)]).map(|n| n as i64)).await.map(|_| ())
    }

    async fn job_keep(&self, jobs: &[String]) -> Result<()> {
        let known = serde_json::to_string(jobs).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        let sql = "DELETE FROM job WHERE name NOT IN (SELECT value FROM json_each(?1))";
        self.write(false, move |c| c.execute(sql, [known]).map(|n| n as i64)).await.map(|_| ())
    }

    async fn job_start(&self, job: &str, tick: Option<Timestamp>, by: &str, now: Timestamp, missed: u64) -> Result<Option<JobRun>> {
        let summary = JobSummary { missed, ..JobSummary::default() };
        let run = JobRun { id: 0, job: job.to_owned(), tick, started: now, ended: None, by: by.to_owned(), cursor: 0, summary };
        let (new, text) = (run.clone(), text(&run.summary)?);
        let id = self.write(false, move |c| start(c, &new, &text)).await?;
        Ok((id > 0).then_some(JobRun { id, ..run }))
    }

    async fn job_progress(&self, run: &mut JobRun) -> Result<()> {
        let now = run.clone();
        let counted = self.write(false, move |c| progress(c, now)).await?;
        count(&mut run.summary, counted);
        Ok(())
    }

    async fn job_runs(&self, job: Option<&str>, open: bool, limit: u32) -> Result<Vec<JobRun>> {
        runs(&self.reader(), job, open, limit)
    }

    async fn job_tickets(&self, filter: &Filter, run: i64, after: i64, limit: u32) -> Result<Vec<(TicketId, TicketNumber)>> {
        self.read_patiently(Kind::JobTickets, |c| tickets(c, &self.names, filter, run, after, limit)).await
    }

    async fn job_done(&self, run: i64) -> Result<u64> {
        let sql = "SELECT count(*) FROM job_done WHERE run = ?1";
        let count = |c: &Connection| c.query_row(sql, [run], |r| r.get::<_, i64>(0)).map(|n| n as u64).map_err(error);
        self.read(Kind::Counts, count).await
    }

    async fn job_plan(&self, filter: &Filter) -> Result<(String, Vec<String>)> {
        plan(&self.reader(), &self.names, filter)
    }
}
