//! Figures about work as it lies in the database, for monitoring.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use std::time::Duration;

/// The meaning of a [`Measure`]'s value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Count,
    /// A time in microseconds, told as the seconds since then; none is no delay.
    Since,
    /// The same; none is not told, since there is nothing whose age it could be.
    Age,
}

/// One figure: a gauge of Prometheus, and the query that gives its value.
#[derive(Debug)]
pub struct Measure {
    pub name: &'static str,
    /// As they stand between the braces.
    pub labels: &'static str,
    pub help: &'static str,
    pub unit: Unit,
    /// One value, with the time of now as parameter 1; the same in both databases.
    sql: &'static str,
}

const fn measure(name: &'static str, labels: &'static str, unit: Unit, help: &'static str, sql: &'static str) -> Measure {
    Measure { name, labels, help, unit, sql }
}

/// Measures of one name stand together.
pub const ALL: &[Measure] = &[
    measure(
        "vorgang_outbox_mails",
        "state=\"due\"",
        Unit::Count,
        "Mails that were not sent",
        "SELECT count(*) FROM delivery WHERE channel = 'mail' AND state = 'due' AND state <> 'sent'",
    ),
    measure(
        "vorgang_outbox_mails",
        "state=\"failed\"",
        Unit::Count,
        "",
        "SELECT count(*) FROM delivery WHERE channel = 'mail' AND state = 'failed' AND state <> 'sent'",
    ),
    measure(
        "vorgang_outbox_mails",
        "state=\"held\"",
        Unit::Count,
        "",
        "SELECT count(*) FROM delivery WHERE channel = 'mail' AND state = 'held' AND state <> 'sent'",
    ),
    measure(
        "vorgang_outbox_delay_seconds",
        "",
        Unit::Since,
        "How long the mail that waits longest is overdue",
        "SELECT min(due) FROM delivery WHERE channel = 'mail' AND state = 'due' AND due <= $1 AND owner IS NULL",
    ),
    measure(
        "vorgang_programs_waiting",
        "",
        Unit::Count,
        "Programs that are to be run",
        "SELECT count(*) FROM delivery WHERE channel = 'program' AND state = 'due'",
    ),
    measure(
        "vorgang_programs_delay_seconds",
        "",
        Unit::Since,
        "How long the program that waits longest is overdue",
        "SELECT min(due) FROM delivery WHERE channel = 'program' AND state = 'due' AND due <= $1 AND owner IS NULL",
    ),
    measure(
        "vorgang_claims",
        "of=\"mail\"",
        Unit::Count,
        "Work that a process has claimed",
        "SELECT count(*) FROM delivery WHERE channel = 'mail' AND state = 'due' AND owner IS NOT NULL",
    ),
    measure(
        "vorgang_claims",
        "of=\"program\"",
        Unit::Count,
        "",
        "SELECT count(*) FROM delivery WHERE channel = 'program' AND state = 'due' AND owner IS NOT NULL",
    ),
    measure(
        "vorgang_claims",
        "of=\"message\"",
        Unit::Count,
        "",
        "SELECT count(*) FROM delivery WHERE channel = 'message' AND state = 'due' AND owner IS NOT NULL",
    ),
    measure("vorgang_timers_due", "", Unit::Count, "Timers that are due", "SELECT count(*) FROM timer WHERE due <= $1"),
    measure(
        "vorgang_timers_delay_seconds",
        "",
        Unit::Since,
        "How long the timer that waits longest is overdue",
        "SELECT min(due) FROM timer WHERE due <= $1",
    ),
    measure(
        "vorgang_job_runs_open",
        "",
        Unit::Count,
        "Runs of jobs that have not ended",
        "SELECT count(*) FROM job_run WHERE ended IS NULL",
    ),
    measure(
        "vorgang_job_run_seconds",
        "",
        Unit::Since,
        "How long the longest open run of a job takes",
        "SELECT min(started) FROM job_run WHERE ended IS NULL",
    ),
    measure(
        "vorgang_incidents_open",
        "",
        Unit::Count,
        "Incidents that wait for a person",
        "SELECT count(*) FROM incident WHERE resolved IS NULL",
    ),
    measure(
        "vorgang_incident_age_seconds",
        "",
        Unit::Since,
        "How long the oldest open incident has waited",
        "SELECT min(raised) FROM incident WHERE resolved IS NULL",
    ),
    measure(
        "vorgang_messages_open",
        "",
        Unit::Count,
        "Messages to processes that have not reached all",
        "SELECT count(*) FROM message WHERE closed IS NULL AND looked IS NULL",
    ),
    measure(
        "vorgang_messages_delay_seconds",
        "",
        Unit::Since,
        "How long the oldest of these messages is under way",
        "SELECT min(sent) FROM message WHERE closed IS NULL AND looked IS NULL",
    ),
    measure(
        "vorgang_desk_events",
        "state=\"waiting\"",
        Unit::Count,
        "Changes of people and definitions that handlers have not seen",
        "SELECT count(*) FROM desk_event WHERE error IS NULL",
    ),
    measure("vorgang_desk_events", "state=\"failed\"", Unit::Count, "", "SELECT count(*) FROM desk_event WHERE error IS NOT NULL"),
    measure(
        "vorgang_inbox_mails",
        "state=\"quarantined\"",
        Unit::Count,
        "Incoming mails that wait for an administrator",
        "SELECT count(*) FROM inbox WHERE state = 'quarantined' AND state <> 'taken'",
    ),
    measure(
        "vorgang_checkpoint_age_seconds",
        "",
        Unit::Age,
        "How old the last signed checkpoint of the history is",
        "SELECT max(at) FROM checkpoint",
    ),
    measure(
        "vorgang_backup_age_seconds",
        "",
        Unit::Age,
        "How old the last verified backup is",
        "SELECT max(at) FROM backup WHERE verified",
    ),
];

/// One row with a column for each of [`ALL`].
pub fn sql() -> String {
    let columns: Vec<String> = ALL.iter().map(|m| format!("({})", m.sql)).collect();
    format!("SELECT {}", columns.join(", "))
}

/// A batch of commands was written, or could not be.
pub fn committed(commands: usize, took: Duration) {
    metrics::histogram!("vorgang_commit_seconds").record(took.as_secs_f64());
    metrics::histogram!("vorgang_commit_commands").record(commands as f64);
}

/// Work, and the size of the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// For each of [`ALL`].
    pub work: Vec<Option<i64>>,
    pub database_bytes: u64,
    /// The file of the write-ahead log; only of SQLite.
    pub log_bytes: Option<u64>,
}

#[async_trait]
pub trait Measures: Send + Sync {
    async fn figures(&self, now: Timestamp) -> Result<Figures>;
    /// Connections of this process to the database: those in use, and all.
    fn connections(&self) -> (usize, usize);
}
