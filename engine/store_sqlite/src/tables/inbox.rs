//! Rows of mail that comes in and goes out.

use crate::rows::{error, json, micros};
use crate::tables::search;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde::Serialize;
use vorgang_core::changes::Changes;
use vorgang_core::ids::TicketId;
use vorgang_core::mail::Address;
use vorgang_store::deliveries::mail_key;
use vorgang_store::inbox::NewInbox;
use vorgang_store::{Result, StoreError};

pub(crate) fn text(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| StoreError::Corrupt(e.to_string()))
}

/// What a command changes about mail: part of its commit.
pub fn write(c: &Connection, changes: &Changes, at: Timestamp) -> Result<()> {
    let run = |sql: &str, params: &[&dyn rusqlite::ToSql]| c.prepare_cached(sql).and_then(|mut s| s.execute(params)).map_err(error);
    let t = &changes.ticket;
    for (participant, since) in &changes.participants {
        let sql = "INSERT INTO participant (ticket_id, address, body, since) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
        run(sql, params![t.id.0, participant.key(), text(participant)?, micros(*since)])?;
    }
    for mail in &changes.outgoing {
        for address in mail.to.iter().filter(|_| mail.auto) {
            let sql = "INSERT INTO mail_count (address, day, count) VALUES (?1, ?2, 1) ON CONFLICT DO UPDATE SET count = count + 1";
            run(sql, params![address.key(), day(mail.at)])?;
        }
    }
    for (mail, article) in &changes.taken_back {
        // One that somebody tries to send is due much later.
        let sql = "UPDATE delivery SET state = 'taken_back', done = ?2 WHERE key = ?1 AND state = 'due' AND attempts = 0 AND due > ?2 AND due - created <= 60000000";
        if run(sql, params![mail_key(t.id, mail), micros(at)])? != 1 {
            return Err(StoreError::Conflict);
        }
        run("UPDATE article SET withdrawn = 1, visible = 0 WHERE ticket_id = ?1 AND seq = ?2", params![t.id.0, article.0])?;
        search::forget(c, t.id, *article).map_err(error)?;
    }
    for (address, reason, at) in &changes.bounced {
        let sql = "INSERT INTO mail_bounce (address, at, reason) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET at = excluded.at, reason = excluded.reason";
        run(sql, params![address.to_ascii_lowercase(), micros(*at), reason])?;
    }
    Ok(())
}

/// Days are counted in UTC: one border for all nodes.
fn day(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

pub fn participants(c: &Connection, ticket: TicketId) -> rusqlite::Result<Vec<Address>> {
    let mut statement = c.prepare_cached("SELECT body FROM participant WHERE ticket_id = ?1 ORDER BY address")?;
    statement.query_map([ticket.0], |r| json(&r.get::<_, String>(0)?))?.collect()
}

/// The log's row; `Conflict` where the mail is there already.
pub fn add(c: &Connection, mail: &NewInbox, ticket: Option<TicketId>) -> Result<()> {
    let sql = "INSERT INTO inbox (key, state, ticket_id, message_id, sender, subject, size, blob_hash, body, at, thread) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?12) ON CONFLICT (key) DO UPDATE SET state = excluded.state, \
         ticket_id = excluded.ticket_id, message_id = excluded.message_id, sender = excluded.sender, subject = excluded.subject, \
         body = excluded.body, thread = excluded.thread WHERE ?11 AND inbox.state = 'quarantined'";
    let details = text(&mail.details)?;
    let values = params![
        mail.key,
        mail.state.word(),
        ticket.map(|id| id.0),
        mail.message_id,
        mail.sender,
        mail.subject,
        mail.size as i64,
        mail.blob,
        details,
        micros(mail.at),
        mail.again,
        mail.thread
    ];
    match c.prepare_cached(sql).and_then(|mut s| s.execute(values)).map_err(error)? {
        1 => Ok(()),
        _ => Err(StoreError::Conflict),
    }
}
