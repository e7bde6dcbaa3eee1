//! Schedules of jobs, and their runs.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use vorgang_core::filter::Filter;
use vorgang_core::ids::{TicketId, TicketNumber};

/// One run of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRun {
    pub id: i64,
    pub job: String,
    /// The time of its schedule; `None` by hand.
    pub tick: Option<Timestamp>,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub by: String,
    /// Tickets up to this id are done.
    pub cursor: i64,
    pub summary: JobSummary,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSummary {
    /// Tickets on which the actions ran.
    pub done: u64,
    /// Tickets on which they failed; each has an incident.
    pub failed: u64,
    /// Tickets for which the condition could not be evaluated.
    pub unclear: u64,
    /// A few of them: (number, why).
    pub examples: Vec<(String, String)>,
    /// Earlier times of the schedule that this run stands for.
    pub missed: u64,
    /// Why it ended early.
    pub error: Option<String>,
}

#[async_trait]
pub trait Jobs: Send + Sync {
    /// Until when the schedule was looked at; a new or changed one begins now.
    async fn job_seen(&self, job: &str, schedule: &str, now: Timestamp) -> Result<Timestamp>;
    /// Times up to here are dealt with, without a run.
    async fn job_pass(&self, job: &str, to: Timestamp) -> Result<()>;
    /// Schedules that were looked at beyond this time: (job, until when).
    async fn jobs_ahead(&self, of: Timestamp) -> Result<Vec<(String, Timestamp)>>;
    /// The schedule was looked at until this time, and no further.
    async fn job_back(&self, job: &str, to: Timestamp) -> Result<()>;
    /// Forgets jobs that are no longer defined.
    async fn job_keep(&self, jobs: &[String]) -> Result<()>;
    /// Begins a run; `None` where the tick has had its run already.
    async fn job_start(&self, job: &str, tick: Option<Timestamp>, by: &str, now: Timestamp, missed: u64) -> Result<Option<JobRun>>;
    /// The batch up to the run's cursor is done: its marks go, and are counted in the summary.
    async fn job_progress(&self, run: &mut JobRun) -> Result<()>;
    /// The newest first.
    async fn job_runs(&self, job: Option<&str>, open: bool, limit: u32) -> Result<Vec<JobRun>>;
    /// Tickets behind this id, in the order of ids, without those that the run has done: (id, number).
    async fn job_tickets(&self, filter: &Filter, run: i64, after: i64, limit: u32) -> Result<Vec<(TicketId, TicketNumber)>>;
    /// How many tickets behind the cursor the run has done.
    async fn job_done(&self, run: i64) -> Result<u64>;
    /// The query that finds a job's tickets, and how the database runs it: for people.
    async fn job_plan(&self, filter: &Filter) -> Result<(String, Vec<String>)>;
}
