//! Writing the log back into the database, by a thread of its own.
//!
//! Most of it is done beside the writer, without making anybody wait. Under load that never reaches the log's end, and
//! a log that is never at its end only grows; so the writer's connection does the short rest between two batches, and
//! the log begins anew in the same file, whose blocks need not be allocated again.

use crate::connection::BUSY_TIMEOUT;
use crate::writer::{self, Writer};
use rusqlite::Connection;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Pages in the log from which on it is written back.
const LOG_PAGES_MAX: i64 = 20_000;

/// Pages from which on it is written back while nobody writes.
const LOG_PAGES_IDLE: i64 = 1_000;
const LOOK: Duration = Duration::from_millis(250);

pub fn start(path: &Path, writer: &Writer) -> std::io::Result<()> {
    let (path, between) = (path.to_owned(), writer.between());
    let work = move || {
        let Ok(connection) = Connection::open(&path) else { return };
        let _ = connection.execute_batch("PRAGMA busy_timeout = 1000;");
        let (mut before, mut again) = (0, false);
        loop {
            std::thread::sleep(LOOK);
            let pages = log_pages(&connection);
            let idle = pages == before && pages > LOG_PAGES_IDLE;
            before = pages;
            if pages > LOG_PAGES_MAX || idle || again {
                checkpoint(&connection, "PRAGMA wal_checkpoint(PASSIVE)");
                before = 0;
                // All may be written back and the log not begun anew, because somebody reads: it grows until that is done.
                let begun = AtomicBool::new(false);
                if between(&|writer| begun.store(restart(writer), Ordering::Relaxed)).is_none() {
                    return;
                }
                again = !begun.into_inner();
            } else if between(&|_| {}).is_none() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("sqlite-checkpoint".into()).spawn(work).map(|_| ())
}

/// Pages in the log that are not yet written back.
fn log_pages(connection: &Connection) -> i64 {
    let row = connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], |r| Ok((r.get::<_, i64>(1)?, r.get::<_, i64>(2)?)));
    row.map_or(0, |(log, done)| (log - done).max(0))
}

/// Nobody who writes waits for somebody who reads: a reader in the way puts it off, `false`.
fn restart(writer: &Connection) -> bool {
    let _ = writer.busy_timeout(Duration::ZERO);
    let done = checkpoint(writer, "PRAGMA wal_checkpoint(RESTART)");
    let _ = writer.busy_timeout(BUSY_TIMEOUT);
    done
}

/// A reader in the way or a full disk only puts it off: the next look tries again. The first column says whether somebody was.
fn checkpoint(connection: &Connection, pragma: &str) -> bool {
    connection.query_row(pragma, [], |row| row.get::<_, i64>(0)).map_or_else(
        |e| {
            writer::end_if_unsynced(&e);
            tracing::debug!("the log could not be written back: {e}");
            false
        },
        |busy| busy == 0,
    )
}
