//! Rows of what goes out.

use crate::batch::Batch;
use crate::rows::micros;
use vorgang_store::Commit;
use vorgang_store::deliveries::{NewDelivery, call_key, mail_key};

const NEW: &str = "INSERT INTO delivery (channel, lane, key, ticket_id, recipient, rank, state, payload, created, due, span) \
     SELECT a, b, c, d, e, f, 'due', g, h, i, j FROM unnest({}) x (a, b, c, d, e, f, g, h, i, j)";

/// The delivery of a message whose row was written just now, as [`NewDelivery::of_message`] has it.
pub const OF_MESSAGE: &str = "INSERT INTO delivery (channel, lane, key, recipient, rank, state, payload, created, due, span) \
     SELECT 'message', name, 'message ' || id, '', 0, 'due', json_build_object('ticket', '', 'message', id, 'name', name)::text, \
     sent, sent, 900000000 FROM {it}";

const CALL_GONE: &str = "DELETE FROM delivery USING unnest({}) x (a) WHERE key = a";
const WANTED: &str = "UPDATE delivery SET state = 'due', due = b, created = greatest(created, b), attempts = 0, error = NULL \
     FROM unnest({}) x (a, b) WHERE key = a AND state <> 'sent'";

fn add(batch: &mut Batch, new: NewDelivery) {
    let cells = [
        new.channel.word().into(),
        new.lane.into(),
        new.key.into(),
        new.ticket.map(|t| t.0).into(),
        new.recipient.into(),
        (new.rank as i64).into(),
        new.payload.into(),
        micros(new.created).into(),
        micros(new.due).into(),
        (new.span.as_micros() as i64).into(),
    ];
    batch.row(NEW, cells);
}

/// What a command sends out: part of its commit.
pub fn rows(batch: &mut Batch, commit: &Commit) {
    let changes = &commit.changes;
    let ticket = changes.ticket.id;
    for notice in changes.notices.iter().filter(|n| n.mail) {
        add(batch, NewDelivery::of_notice(commit, notice));
    }
    for mail in &changes.outgoing {
        add(batch, NewDelivery::of_mail(commit, mail));
    }
    // A program that is no longer wanted by the same command is never run.
    for call in changes.calls.iter().filter(|c| !changes.calls_ended.contains(&c.seq)) {
        add(batch, NewDelivery::of_call(commit, call));
    }
    for call in &changes.calls_ended {
        batch.row(CALL_GONE, [call_key(ticket, *call).into()]);
    }
    for mail in &changes.mails_wanted {
        batch.row(WANTED, [mail_key(ticket, mail).into(), micros(commit.history.at).into()]);
    }
}
