//! A million tickets: copies of a few that the engine made, so that their rows are what it writes.

use rusqlite::Connection;
use std::path::Path;

/// Copies every ticket of the database, with its timers and its history, until there are `count`.
pub fn copies(path: &Path, count: u64) {
    let c = Connection::open(path).expect("the database");
    c.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;").expect("settings");
    let one = |sql: &str| c.query_row(sql, [], |r| r.get::<_, i64>(0)).expect("a number");
    let (templates, from) = (one("SELECT count(*) FROM ticket"), one("SELECT max(id) FROM ticket") + 1);
    let each = (count as i64 - templates) / templates;
    c.execute_batch(&format!(
        "BEGIN;
         CREATE TEMP TABLE n AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {each}) SELECT i FROM n;
         CREATE TEMP TABLE copy AS SELECT t.id AS old, {from} + row_number() OVER (ORDER BY n.i, t.id) AS new FROM ticket t, n ORDER BY n.i, t.id;
         INSERT INTO ticket (id, number, version, last_seq, title, type_id, queue_id, state_id, priority_id, owner_id, responsible_id, company_id,
           customer_id, pending_until, created, updated, fields, head, parts)
           SELECT new, 'C' || new, version, last_seq, title, type_id, queue_id, state_id, priority_id, owner_id, responsible_id, company_id,
           customer_id, pending_until, created, updated, fields, head, parts FROM copy JOIN ticket t ON t.id = old;
         INSERT INTO timer (ticket_id, seq, work, epoch, due, state) SELECT new, seq, work, epoch, due, state FROM copy JOIN timer t ON t.ticket_id = old;
         INSERT INTO history (ticket_id, version, format, at, actor, command, cause, events, personal, salt, personal_digest, hash)
           SELECT new, version, format, at, actor, command, cause, events, personal, salt, personal_digest, hash FROM copy JOIN history h ON h.ticket_id = old;
         DROP TABLE copy; DROP TABLE n;
         COMMIT;
         PRAGMA wal_checkpoint(TRUNCATE);"
    ))
    .expect("copies");
}
