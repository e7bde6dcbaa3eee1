//! Rows of what goes out.

use crate::rows::micros;
use rusqlite::{Connection, params};
use vorgang_store::Commit;
use vorgang_store::deliveries::{NewDelivery, call_key, mail_key};

pub fn add(c: &Connection, new: &NewDelivery) -> rusqlite::Result<()> {
    let sql = "INSERT INTO delivery (channel, lane, key, ticket_id, recipient, rank, state, payload, created, due, span) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'due', ?7, ?8, ?9, ?10)";
    let span = new.span.as_micros() as i64;
    let values = params![
        new.channel.word(),
        new.lane,
        new.key,
        new.ticket.map(|t| t.0),
        new.recipient,
        new.rank as i64,
        new.payload,
        micros(new.created),
        micros(new.due),
        span
    ];
    c.prepare_cached(sql)?.execute(values).map(|_| ())
}

/// What a command sends out: part of its commit.
pub fn write(c: &Connection, commit: &Commit) -> rusqlite::Result<()> {
    let changes = &commit.changes;
    let ticket = changes.ticket.id;
    for notice in changes.notices.iter().filter(|n| n.mail) {
        add(c, &NewDelivery::of_notice(commit, notice))?;
    }
    for mail in &changes.outgoing {
        add(c, &NewDelivery::of_mail(commit, mail))?;
    }
    for call in &changes.calls {
        add(c, &NewDelivery::of_call(commit, call))?;
    }
    for call in &changes.calls_ended {
        c.prepare_cached("DELETE FROM delivery WHERE key = ?1")?.execute([call_key(ticket, *call)])?;
    }
    for mail in &changes.mails_wanted {
        let sql = "UPDATE delivery SET state = 'due', due = ?2, created = max(created, ?2), attempts = 0, error = NULL \
             WHERE key = ?1 AND state <> 'sent'";
        c.prepare_cached(sql)?.execute(params![mail_key(ticket, mail), micros(commit.history.at)])?;
    }
    Ok(())
}
