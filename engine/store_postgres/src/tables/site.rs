//! Rows that exist once for the whole site: mutexes and turns.

use crate::batch::Batch;
use crate::rows::micros;
use vorgang_core::changes::Changes;

const TAKE: &str = "INSERT INTO mutex (name, key, ticket_id, rev) SELECT a, b, c, 0 FROM unnest({}) x (a, b, c) \
     ON CONFLICT DO NOTHING RETURNING 1";

const FREE: &str = "DELETE FROM mutex USING unnest({}) x (a, b, c, d) WHERE name = a AND key = b AND ticket_id = c AND rev = d RETURNING 1";
const COMES: &str = "UPDATE mutex SET rev = rev + n FROM (SELECT a, b, c, count(*) n FROM unnest({}) x (a, b, c) GROUP BY a, b, c) y \
     WHERE name = a AND key = b AND ticket_id = c RETURNING n";

const WAIT: &str = "INSERT INTO mutex_wait (ticket_id, seq, name, key, since) SELECT * FROM unnest({}) \
     ON CONFLICT (ticket_id, seq) DO UPDATE SET name = excluded.name, key = excluded.key";

const WAITS_NO_MORE: &str = "DELETE FROM mutex_wait USING unnest({}) x (a, b) WHERE ticket_id = a AND seq = b";
const FIRST_TURN: &str = "INSERT INTO turn (place, login) SELECT a, b FROM unnest({}) x (a, b) ON CONFLICT DO NOTHING RETURNING 1";
const NEXT_TURN: &str = "UPDATE turn SET login = b FROM unnest({}) x (a, b, c) WHERE place = a AND login = c RETURNING 1";

/// What is given away goes before all else of a transaction, and what was only passed through after it.
#[derive(Default)]
pub struct Around<'a> {
    pub before: Batch<'a>,
    pub after: Batch<'a>,
}

/// Mutexes and turns of a command. Where a row is not written, somebody was faster.
pub fn rows<'a>(batch: &mut Batch<'a>, around: &mut Around<'a>, changes: &'a Changes) {
    let ticket = changes.ticket.id;
    for (name, key, rev) in &changes.mutexes.freed {
        around.before.certain(FREE, [name.into(), key.into(), ticket.into(), (*rev).into()]);
    }
    for (name, key) in changes.mutexes.taken.iter().chain(&changes.mutexes.passed) {
        batch.certain(TAKE, [name.into(), key.into(), ticket.into()]);
    }
    for (name, key) in &changes.mutexes.passed {
        around.after.certain(FREE, [name.into(), key.into(), ticket.into(), 0i64.into()]);
    }
    for (seq, wait) in &changes.mutex_waits {
        match wait {
            None => batch.row(WAITS_NO_MORE, [ticket.into(), (*seq).into()]),
            Some(wait) => {
                batch.certain(COMES, [(&wait.name).into(), (&wait.key).into(), wait.holder.into()]);
                batch.row(WAIT, [ticket.into(), (*seq).into(), (&wait.name).into(), (&wait.key).into(), micros(wait.since).into()]);
            }
        }
    }
    for turn in &changes.turns {
        match &turn.after {
            None => batch.certain(FIRST_TURN, [(&turn.place).into(), (&turn.login).into()]),
            Some(after) => batch.certain(NEXT_TURN, [(&turn.place).into(), (&turn.login).into(), after.into()]),
        }
    }
}
