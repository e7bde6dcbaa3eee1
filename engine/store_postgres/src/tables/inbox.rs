//! Rows of mail that comes in and goes out.

use crate::batch::Batch;
use crate::rows::{micros, text};
use crate::tables::search;
use jiff::Timestamp;
use vorgang_core::ids::TicketId;
use vorgang_store::deliveries::mail_key;
use vorgang_store::inbox::NewInbox;
use vorgang_store::words::Doc;
use vorgang_store::{Commit, Result};

const AGAIN: &str = "UPDATE inbox SET state = b, ticket_id = c, message_id = d, sender = e, subject = f, body = g, thread = h \
     FROM unnest({}) x (a, b, c, d, e, f, g, h) WHERE key = a AND inbox.state = 'quarantined' RETURNING 1";

const PARTICIPANT: &str = "INSERT INTO participant (ticket_id, address, body, since) SELECT * FROM unnest({}) ON CONFLICT DO NOTHING";
const COUNT: &str = "INSERT INTO mail_count AS m (address, day, count) SELECT a, b, sum(c) FROM unnest({}) x (a, b, c) GROUP BY a, b \
     ON CONFLICT (address, day) DO UPDATE SET count = m.count + excluded.count";

const TAKEN_BACK: &str = "UPDATE delivery SET state = 'taken_back', done = b FROM unnest({}) x (a, b) \
     WHERE key = a AND state = 'due' AND attempts = 0 AND due > b AND due - created <= 60000000 RETURNING 1";

const WITHDRAWN: &str = "UPDATE article SET withdrawn = TRUE, visible = FALSE FROM unnest({}) x (a, b) WHERE ticket_id = a AND seq = b";
const BOUNCED: &str = "INSERT INTO mail_bounce (address, at, reason) SELECT DISTINCT ON (a) a, b, c FROM unnest({}) x (a, b, c) ORDER BY a, b DESC \
     ON CONFLICT (address) DO UPDATE SET at = excluded.at, reason = excluded.reason";

const ADD: &str = "INSERT INTO inbox (key, state, ticket_id, message_id, sender, subject, size, blob_hash, body, at, thread) \
     SELECT * FROM unnest({}) ON CONFLICT (key) DO NOTHING RETURNING 1";

/// What a command changes about mail: part of its commit.
pub fn rows<'a>(batch: &mut Batch<'a>, commit: &'a Commit) -> Result<()> {
    let (changes, at) = (&commit.changes, commit.history.at);
    let t = &changes.ticket;
    for (participant, since) in &changes.participants {
        batch.row(PARTICIPANT, [t.id.into(), participant.key().into(), text(participant)?.into(), micros(*since).into()]);
    }
    for mail in &changes.outgoing {
        for address in mail.to.iter().filter(|_| mail.auto) {
            batch.row(COUNT, [address.key().into(), day(mail.at).into(), 1_i64.into()]);
        }
    }
    for (mail, article) in &changes.taken_back {
        batch.certain(TAKEN_BACK, [mail_key(t.id, mail).into(), micros(at).into()]);
        batch.row(WITHDRAWN, [t.id.into(), (*article).into()]);
        batch.row(search::PUT, [Doc::new(t.id, *article, true).0.into(), String::new().into()]);
    }
    for (address, reason, at) in &changes.bounced {
        batch.row(BOUNCED, [address.to_ascii_lowercase().into(), micros(*at).into(), reason.into()]);
    }
    Ok(())
}

/// Days are counted in UTC: one border for all nodes.
fn day(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

pub fn add<'a>(batch: &mut Batch<'a>, mail: &'a NewInbox, ticket: Option<TicketId>) -> Result<()> {
    if mail.again {
        batch.certain(
            AGAIN,
            [
                (&mail.key).into(),
                mail.state.word().into(),
                ticket.map(|id| id.0).into(),
                (&mail.message_id).into(),
                (&mail.sender).into(),
                (&mail.subject).into(),
                text(&mail.details)?.into(),
                (&mail.thread).into(),
            ],
        );
        return Ok(());
    }
    batch.certain(
        ADD,
        [
            (&mail.key).into(),
            mail.state.word().into(),
            ticket.map(|id| id.0).into(),
            (&mail.message_id).into(),
            (&mail.sender).into(),
            (&mail.subject).into(),
            (mail.size as i64).into(),
            (&mail.blob).into(),
            text(&mail.details)?.into(),
            micros(mail.at).into(),
            (&mail.thread).into(),
        ],
    );
    Ok(())
}
