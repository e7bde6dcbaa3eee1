//! Content that is removed for good.

use crate::rows::error;
use crate::tables::search;
use rusqlite::{Connection, OptionalExtension, params};
use vorgang_core::ids::TicketId;
use vorgang_store::Result;
use vorgang_store::redaction::Redaction;
use vorgang_store::words::{Doc, of_texts};

/// Is the content named by an article, a mail of the log, or a value of a field?
pub const NAMED: &str = "SELECT 1 WHERE EXISTS (SELECT 1 FROM article_part WHERE blob_hash = ?1) \
     OR EXISTS (SELECT 1 FROM inbox i WHERE i.blob_hash = ?1 AND (i.ticket_id IS NULL OR EXISTS \
        (SELECT 1 FROM article a WHERE a.ticket_id = i.ticket_id AND instr(a.head, ?1) > 0))) \
     OR EXISTS (SELECT 1 FROM ticket WHERE instr(fields, ?1) > 0)";

/// Part of the commit. What SQLite frees is overwritten, so that it does not lie on in the file.
pub fn write(c: &Connection, ticket: TicketId, number: &str, title: &str, r: &Redaction) -> Result<()> {
    let secure: i64 = c.query_row("PRAGMA secure_delete = ON", [], |row| row.get(0)).map_err(error)?;
    debug_assert_eq!(secure, 1);
    let done = rows(c, ticket, number, title, r).map_err(error);
    c.query_row("PRAGMA secure_delete = OFF", [], |row| row.get::<_, i64>(0)).map_err(error)?;
    done
}

fn rows(c: &Connection, ticket: TicketId, number: &str, title: &str, r: &Redaction) -> rusqlite::Result<()> {
    for (version, personal) in &r.history {
        c.execute("UPDATE history SET personal = ?3 WHERE ticket_id = ?1 AND version = ?2", params![ticket.0, *version as i64, personal])?;
    }
    if let Some(a) = &r.article {
        let json = |e: serde_json::Error| rusqlite::Error::ToSqlConversionFailure(Box::new(e));
        let head = a.head.as_ref().map(serde_json::to_string).transpose().map_err(json)?;
        let erased = a.erased.as_ref().map(serde_json::to_string).transpose().map_err(json)?;
        let sql = "UPDATE article SET subject = ?3, body = ?4, head = ?5, erased = ?6 WHERE ticket_id = ?1 AND seq = ?2";
        c.execute(sql, params![ticket.0, a.seq.0, a.subject, a.body, head, erased])?;
        for (part, file) in a.attachments.iter().enumerate() {
            let sql = "UPDATE article_part SET name = ?4, blob_hash = ?5 WHERE ticket_id = ?1 AND article_seq = ?2 AND part = ?3";
            c.execute(sql, params![ticket.0, a.seq.0, part as i64, file.name, file.blob])?;
        }
        search::put(c, Doc::new(ticket, a.seq, a.visible), &of_texts(&a.searched(number, title)))?;
    }
    for (seq, body) in &r.incidents {
        c.execute("UPDATE incident SET body = ?3 WHERE ticket_id = ?1 AND seq = ?2", params![ticket.0, seq.0, body])?;
    }
    for (id, payload) in &r.outbox {
        let sql = "UPDATE delivery SET payload = ?2, error = CASE WHEN state IN ('due', 'held') THEN 'the content was removed' ELSE error END, \
             state = CASE WHEN state IN ('due', 'held') THEN 'failed' ELSE state END WHERE id = ?1";
        c.execute(sql, params![id, payload])?;
    }
    for (id, subject, body) in &r.notifications {
        c.execute("UPDATE notification SET subject = ?2, body = ?3 WHERE id = ?1", params![id, subject, body])?;
    }
    for hash in &r.blobs {
        c.execute("UPDATE inbox SET subject = '', blob_hash = '' WHERE blob_hash = ?1 AND ticket_id = ?2", params![hash, ticket.0])?;
        c.execute("DELETE FROM shown_html WHERE hash = ?1", [hash])?;
        if c.query_row(NAMED, [hash], |_| Ok(())).optional()?.is_none() {
            c.execute("DELETE FROM blob WHERE hash = ?1", [hash])?;
        }
    }
    Ok(())
}
