//! Writing the log back into the database, by a thread of its own.
//!
//! Most of it is done beside the writer, without making anybody wait. Under load that never reaches the log's end, and
//! a log that is never at its end only grows; so the writer's connection does the short rest between two batches, and
//! the log begins anew in the same file, whose blocks need not be allocated again.

use crate::writer::Writer;
use rusqlite::Connection;
use std::path::Path;
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
        let mut before = 0;
        loop {
            std::thread::sleep(LOOK);
            let pages = log_pages(&connection);
            let idle = pages == before && pages > LOG_PAGES_IDLE;
            before = pages;
            if pages > LOG_PAGES_MAX || idle {
                checkpoint(&connection, "PRAGMA wal_checkpoint(PASSIVE)");
                before = 0;
                if between(&restart).is_none() {
                    return;
                }
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

/// Nobody who writes waits for somebody who reads: a reader in the way puts it off.
fn restart(writer: &Connection) {
    let _ = writer.busy_timeout(Duration::ZERO);
    checkpoint(writer, "PRAGMA wal_checkpoint(RESTART)");
    let _ = writer.busy_timeout(crate::open::BUSY_TIMEOUT);
}

/// A reader in the way or a full disk only puts it off: the next look tries again.
fn checkpoint(connection: &Connection, pragma: &str) {
    if let Err(e) = connection.query_row(pragma, [], |_| Ok(())) {
        tracing::debug!("the log could not be written back: {e}");
    }
}
