//! Messages to processes.

use crate::open::SqliteStore;
use crate::reads::Kind;
use crate::rows::{error, json, micros, time};
use crate::tables::courier::text;
use crate::tables::deliveries;
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_store::courier::{Courier, NewMessage, OpenMessage};
use vorgang_store::deliveries::NewDelivery;
use vorgang_store::{Result, StoreError};

fn open(r: &Row) -> rusqlite::Result<OpenMessage> {
    Ok(OpenMessage {
        id: r.get(0)?,
        name: r.get(1)?,
        data: json(&r.get::<_, String>(2)?)?,
        sent: time(r.get(3)?)?,
        until: r.get::<_, Option<i64>>(4)?.map(time).transpose()?,
        cursor: r.get(5)?,
        reached: r.get::<_, i64>(6)? as u64,
        looked: r.get::<_, Option<i64>>(7)?.map(time).transpose()?,
        hops: r.get(8)?,
    })
}

#[async_trait]
impl Courier for SqliteStore {
    async fn message_send(&self, message: NewMessage) -> Result<i64> {
        let data = text(&message.data)?;
        let same = (message.name.clone(), data.clone());
        let key = message.key.clone();
        let send = move |c: &Connection| {
            let m = &message;
            let sql = "INSERT INTO message (name, data, sent, by, key, until) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
            let new = c.execute(sql, params![m.name, data, micros(m.sent), m.by, m.key, m.until.map(micros)])?;
            if new == 0 {
                return Ok(0);
            }
            let id = c.last_insert_rowid();
            deliveries::add(c, &NewDelivery::of_message(id, &m.name, m.sent)).map(|()| id)
        };
        match self.write(false, send).await? {
            0 => {
                let row = |r: &Row| Ok((r.get::<_, i64>(0)?, (r.get::<_, String>(1)?, r.get::<_, String>(2)?)));
                let sql = "SELECT id, name, data FROM message WHERE key = ?1";
                let known = self.reader().query_row(sql, params![key], row).optional().map_err(error)?;
                known.filter(|(_, known)| *known == same).map(|(id, _)| id).ok_or(StoreError::Conflict)
            }
            id => Ok(id),
        }
    }

    async fn message_open(&self, id: i64) -> Result<Option<OpenMessage>> {
        let sql = "SELECT id, name, data, sent, until, cursor, reached, looked, hops FROM message WHERE id = ?1 AND closed IS NULL";
        let c = self.reader();
        let mut statement = c.prepare_cached(sql).map_err(error)?;
        statement.query_row([id], open).optional().map_err(error)
    }

    async fn message_tickets(&self, message: &OpenMessage, hashes: &[String], limit: u32) -> Result<Vec<(TicketId, TicketNumber)>> {
        let sql = "SELECT DISTINCT t.id, t.number FROM instance i JOIN ticket t ON t.id = i.ticket_id \
             WHERE i.outcome IS NULL AND i.hash IN (SELECT value FROM json_each(?1)) \
             AND i.ticket_id > (SELECT cursor FROM message WHERE id = ?2) AND t.updated >= ?3 \
             AND NOT EXISTS (SELECT 1 FROM message_done d WHERE d.message = ?2 AND d.ticket_id = i.ticket_id) ORDER BY t.id LIMIT ?4";
        let hashes = serde_json::to_string(hashes).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        let since = message.looked.map_or(i64::MIN, micros);
        self.read_patiently(Kind::JobTickets, |c| {
            let mut statement = c.prepare_cached(sql).map_err(error)?;
            let values = params![hashes, message.id, since, limit];
            let rows = statement
                .query_map(values, |r| Ok((r.get(0).map(TicketId)?, r.get::<_, String>(1).map(TicketNumber::from)?)))
                .map_err(error)?;
            rows.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }

    async fn message_progress(&self, message: &mut OpenMessage) -> Result<()> {
        let (id, cursor) = (message.id, message.cursor);
        let progress = move |c: &Connection| {
            let done = c.execute("DELETE FROM message_done WHERE message = ?1 AND ticket_id <= ?2", params![id, cursor])? as i64;
            let sql = "UPDATE message SET cursor = max(cursor, ?2), reached = reached + ?3 WHERE id = ?1 RETURNING reached";
            c.query_row(sql, params![id, cursor, done], |r| r.get(0))
        };
        message.reached = self.write(false, progress).await? as u64;
        Ok(())
    }

    async fn message_asked(&self, id: i64, looked: Timestamp, closed: bool) -> Result<()> {
        let sql = "UPDATE message SET looked = ?2, cursor = 0, closed = CASE WHEN ?3 THEN ?2 END WHERE id = ?1";
        self.write(false, move |c| c.execute(sql, params![id, micros(looked), closed]).map(|n| n as i64)).await.map(|_| ())
    }
}
