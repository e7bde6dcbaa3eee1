//! Content that is removed for good.

use crate::batch::Batch;
use crate::rows::text;
use crate::tables::search;
use vorgang_store::redaction::Redaction;
use vorgang_store::words::{Doc, of_texts};
use vorgang_store::{Commit, Result};

const HISTORY: &str = "UPDATE history SET personal = c FROM unnest({}) x (a, b, c) WHERE ticket_id = a AND version = b";
const ARTICLE: &str = "UPDATE article SET subject = c, body = d, head = e, erased = f FROM unnest({}) x (a, b, c, d, e, f) \
     WHERE ticket_id = a AND seq = b";

const PART: &str = "UPDATE article_part SET name = d, blob_hash = e FROM unnest({}) x (a, b, c, d, e) \
     WHERE ticket_id = a AND article_seq = b AND part = c";

const INCIDENT: &str = "UPDATE incident SET body = c FROM unnest({}) x (a, b, c) WHERE ticket_id = a AND seq = b";
const OUTBOX: &str = "UPDATE delivery SET payload = b, error = CASE WHEN state IN ('due', 'held') THEN 'the content was removed' ELSE error END, \
     state = CASE WHEN state IN ('due', 'held') THEN 'failed' ELSE state END FROM unnest({}) x (a, b) WHERE id = a";

const NOTIFICATION: &str = "UPDATE notification SET subject = b, body = c FROM unnest({}) x (a, b, c) WHERE id = a";
const INBOX: &str = "UPDATE inbox SET subject = '', blob_hash = '' FROM unnest({}) x (a, b) WHERE ticket_id = a AND blob_hash = b";
const SHOWN: &str = "DELETE FROM shown_html USING unnest({}) x (a) WHERE hash = a";

/// Is the content named by an article, a mail of the log, or a value of a field?
pub(crate) const NAMED: &str = "SELECT 1 WHERE EXISTS (SELECT 1 FROM article_part WHERE blob_hash = $1) \
     OR EXISTS (SELECT 1 FROM inbox i WHERE i.blob_hash = $1 AND (i.ticket_id IS NULL OR EXISTS \
        (SELECT 1 FROM article a WHERE a.ticket_id = i.ticket_id AND strpos(a.head, $1) > 0))) \
     OR EXISTS (SELECT 1 FROM ticket WHERE strpos(fields::text, $1) > 0)";

/// Part of the commit.
pub fn rows<'a>(batch: &mut Batch<'a>, commit: &'a Commit, r: &'a Redaction) -> Result<()> {
    let t = &commit.changes.ticket;
    for (version, personal) in &r.history {
        batch.row(HISTORY, [t.id.into(), (*version as i64).into(), personal.into()]);
    }
    if let Some(a) = &r.article {
        let head = a.head.as_ref().map(text).transpose()?;
        let erased = a.erased.as_ref().map(text).transpose()?;
        batch.row(ARTICLE, [t.id.into(), a.seq.into(), (&a.subject).into(), (&a.body).into(), head.into(), erased.into()]);
        for (part, file) in a.attachments.iter().enumerate() {
            batch.row(PART, [t.id.into(), a.seq.into(), (part as i64).into(), (&file.name).into(), (&file.blob).into()]);
        }
        let words = of_texts(&a.searched(&t.number, &t.title));
        batch.row(search::PUT, [Doc::new(t.id, a.seq, a.visible).0.into(), words.into()]);
    }
    for (seq, body) in &r.incidents {
        batch.row(INCIDENT, [t.id.into(), (*seq).into(), body.into()]);
    }
    for (id, payload) in &r.outbox {
        batch.row(OUTBOX, [(*id).into(), payload.into()]);
    }
    for (id, subject, body) in &r.notifications {
        batch.row(NOTIFICATION, [(*id).into(), subject.into(), body.into()]);
    }
    for hash in &r.blobs {
        batch.row(INBOX, [t.id.into(), hash.into()]);
        batch.row(SHOWN, [hash.into()]);
    }
    Ok(())
}
