//! A million tickets: copies of a few that the engine made, so that their rows are what it writes.

use super::place::Place;

/// Copies every ticket of the database, with its timers and its history, until there are `count`.
pub fn copies(place: &Place, count: u64) {
    let (before, after) = match place {
        Place::File(_) => {
            ("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;", "PRAGMA wal_checkpoint(TRUNCATE);")
        }
        Place::Server(_) => ("", ""),
    };
    let (templates, from) = (place.one("SELECT count(*) FROM ticket"), place.one("SELECT max(id) FROM ticket") + 1);
    let each = (count as i64 - templates) / templates;
    place.run(&format!(
        "{before}
         BEGIN;
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
         {after}"
    ));
    place.settle();
}
