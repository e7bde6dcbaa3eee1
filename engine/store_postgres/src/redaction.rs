//! Content that is erased: rows are written again without it.

use crate::arg::args;
use crate::batch::Batch;
use crate::rows::{committed, error, text};
use crate::search;
use crate::store::PostgresStore;
use async_trait::async_trait;
use sqlx::Row;
use vorgang_core::ids::Seq;
use vorgang_store::redaction::{Copies, Redaction, Redactions};
use vorgang_store::words::{Doc, of_texts};
use vorgang_store::{Commit, Result, StoreError};

const HISTORY: &str = "UPDATE history SET personal = c FROM unnest({}) x (a, b, c) WHERE ticket_id = a AND version = b";
const ARTICLE: &str = "UPDATE article SET subject = c, body = d, head = e, erased = f FROM unnest({}) x (a, b, c, d, e, f) \
     WHERE ticket_id = a AND seq = b";
const PART: &str = "UPDATE article_part SET name = d, blob_hash = e FROM unnest({}) x (a, b, c, d, e) \
     WHERE ticket_id = a AND article_seq = b AND part = c";
const INCIDENT: &str = "UPDATE incident SET body = c FROM unnest({}) x (a, b, c) WHERE ticket_id = a AND seq = b";
const OUTBOX: &str = "UPDATE outbox SET payload = b, error = CASE WHEN state IN ('due', 'held') THEN 'the content was removed' ELSE error END, \
     state = CASE WHEN state IN ('due', 'held') THEN 'failed' ELSE state END FROM unnest({}) x (a, b) WHERE id = a";
const NOTIFICATION: &str = "UPDATE notification SET subject = b, body = c FROM unnest({}) x (a, b, c) WHERE id = a";
const INBOX: &str = "UPDATE inbox SET subject = '', blob_hash = '' FROM unnest({}) x (a, b) WHERE ticket_id = a AND blob_hash = b";
const SHOWN: &str = "DELETE FROM shown_html USING unnest({}) x (a) WHERE hash = a";
/// Is the content named by an article, a mail of the log, or a value of a field?
const NAMED: &str = "SELECT 1 WHERE EXISTS (SELECT 1 FROM article_part WHERE blob_hash = $1) \
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

#[async_trait]
impl Redactions for PostgresStore {
    async fn copies(&self, ticket: i64) -> Result<Copies> {
        let mut copies = Copies::default();
        for r in self.server.ask("SELECT seq, body FROM incident WHERE ticket_id = $1 ORDER BY seq", args![ticket]).await? {
            copies.incidents.push((r.try_get::<i64, _>(0).map_err(error)? as Seq, r.try_get(1).map_err(error)?));
        }
        for r in self.server.ask("SELECT id, payload FROM outbox WHERE ticket_id = $1 ORDER BY id", args![ticket]).await? {
            copies.outbox.push((r.try_get(0).map_err(error)?, r.try_get(1).map_err(error)?));
        }
        let sql = "SELECT id, subject, body FROM notification WHERE ticket_id = $1 ORDER BY id";
        for r in self.server.ask(sql, args![ticket]).await? {
            copies.notifications.push((r.try_get(0).map_err(error)?, r.try_get(1).map_err(error)?, r.try_get(2).map_err(error)?));
        }
        Ok(copies)
    }

    async fn files_forget(&self, hashes: &[String]) -> Result<()> {
        for hash in hashes {
            // Held first: a commit that names the same content has the row too, and is seen once it is ours.
            let mut tx = self.server.begin().await?;
            sqlx::query("SELECT 1 FROM blob WHERE hash = $1 FOR UPDATE").bind(hash).execute(&mut *tx).await.map_err(error)?;
            if sqlx::query(NAMED).bind(hash).fetch_optional(&mut *tx).await.map_err(error)?.is_some() {
                continue;
            }
            sqlx::query("DELETE FROM blob WHERE hash = $1").bind(hash).execute(&mut *tx).await.map_err(error)?;
            committed(tx).await?;
            if let Some(files) = &self.files {
                files.forget(hash).await.map_err(|e| StoreError::Unavailable(format!("the file {hash} could not be removed: {e}")))?;
            }
        }
        Ok(())
    }
}
