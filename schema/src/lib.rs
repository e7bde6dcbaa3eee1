//! Contracts as data: SQL, JSON Schemas, the OpenAPI snapshot. No logic.

pub mod tables;

/// Migrations of SQLite in their order; `user_version` counts those that were run.
pub const SQLITE_MIGRATIONS: &[&str] = &[
    include_str!("../sql/sqlite/0001_begin.sql"),
    include_str!("../sql/sqlite/0002_time.sql"),
    include_str!("../sql/sqlite/0003_watch.sql"),
    include_str!("../sql/sqlite/0004_jobs.sql"),
    include_str!("../sql/sqlite/0005_counted.sql"),
    include_str!("../sql/sqlite/0006_mail.sql"),
    include_str!("../sql/sqlite/0007_waiting.sql"),
    include_str!("../sql/sqlite/0008_links.sql"),
    include_str!("../sql/sqlite/0009_failed.sql"),
    include_str!("../sql/sqlite/0010_lock.sql"),
    include_str!("../sql/sqlite/0011_origin.sql"),
    include_str!("../sql/sqlite/0012_calls.sql"),
    include_str!("../sql/sqlite/0013_undo.sql"),
    include_str!("../sql/sqlite/0014_messages.sql"),
    include_str!("../sql/sqlite/0015_desk_events.sql"),
    include_str!("../sql/sqlite/0016_nodes.sql"),
    include_str!("../sql/sqlite/0017_checkpoints.sql"),
    include_str!("../sql/sqlite/0018_search.sql"),
    include_str!("../sql/sqlite/0019_needs.sql"),
    include_str!("../sql/sqlite/0020_sweep.sql"),
    include_str!("../sql/sqlite/0021_inbox.sql"),
    include_str!("../sql/sqlite/0022_net.sql"),
    include_str!("../sql/sqlite/0023_site.sql"),
    include_str!("../sql/sqlite/0024_threads.sql"),
];

/// The same migrations for PostgreSQL, under the same numbers.
pub const POSTGRES_MIGRATIONS: &[&str] = &[
    include_str!("../sql/postgres/0001_begin.sql"),
    include_str!("../sql/postgres/0002_time.sql"),
    include_str!("../sql/postgres/0003_watch.sql"),
    include_str!("../sql/postgres/0004_jobs.sql"),
    include_str!("../sql/postgres/0005_counted.sql"),
    include_str!("../sql/postgres/0006_mail.sql"),
    include_str!("../sql/postgres/0007_waiting.sql"),
    include_str!("../sql/postgres/0008_links.sql"),
    include_str!("../sql/postgres/0009_failed.sql"),
    include_str!("../sql/postgres/0010_lock.sql"),
    include_str!("../sql/postgres/0011_origin.sql"),
    include_str!("../sql/postgres/0012_calls.sql"),
    include_str!("../sql/postgres/0013_undo.sql"),
    include_str!("../sql/postgres/0014_messages.sql"),
    include_str!("../sql/postgres/0015_desk_events.sql"),
    include_str!("../sql/postgres/0016_nodes.sql"),
    include_str!("../sql/postgres/0017_checkpoints.sql"),
    include_str!("../sql/postgres/0018_search.sql"),
    include_str!("../sql/postgres/0019_needs.sql"),
    include_str!("../sql/postgres/0020_sweep.sql"),
    include_str!("../sql/postgres/0021_inbox.sql"),
    include_str!("../sql/postgres/0022_net.sql"),
    include_str!("../sql/postgres/0023_site.sql"),
    include_str!("../sql/postgres/0024_threads.sql"),
];
