//! Messages to processes.

use crate::arg::args;
use crate::rows::{error, json, micros, text, time};
use crate::store::PostgresStore;
use crate::tables::deliveries::OF_MESSAGE;
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_store::courier::{Courier, NewMessage, OpenMessage};
use vorgang_store::{Result, StoreError};

fn open(r: &PgRow) -> Result<OpenMessage> {
    let maybe = |at: usize| r.try_get::<Option<i64>, _>(at).and_then(|t| t.map(time).transpose()).map_err(error);
    Ok(OpenMessage {
        id: r.try_get(0).map_err(error)?,
        name: r.try_get(1).map_err(error)?,
        data: json(r.try_get(2).map_err(error)?)?,
        sent: r.try_get(3).and_then(time).map_err(error)?,
        until: maybe(4)?,
        cursor: r.try_get(5).map_err(error)?,
        reached: r.try_get::<i64, _>(6).map_err(error)? as u64,
        looked: maybe(7)?,
        hops: r.try_get::<i64, _>(8).map_err(error)? as u32,
    })
}

#[async_trait]
impl Courier for PostgresStore {
    async fn message_send(&self, message: NewMessage) -> Result<i64> {
        let data = text(&message.data)?;
        let m = &message;
        let sql = format!(
            "WITH it AS (INSERT INTO message (name, data, sent, by, key, until) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT DO NOTHING RETURNING id, name, sent), delivery AS ({}) SELECT id FROM it",
            OF_MESSAGE.replace("{it}", "it")
        );
        let args = args![&m.name, &data, micros(m.sent), &m.by, m.key.clone(), m.until.map(micros)];
        if let Some(new) = self.server.tell(sql, args).await?.first() {
            return new.try_get(0).map_err(error);
        }
        let known = self.server.ask("SELECT id, name, data FROM message WHERE key = $1", args![m.key.clone()]).await?;
        let known = known.first().ok_or(StoreError::Conflict)?;
        let same = (known.try_get::<String, _>(1).map_err(error)?, known.try_get::<String, _>(2).map_err(error)?) == (message.name, data);
        if same { known.try_get(0).map_err(error) } else { Err(StoreError::Conflict) }
    }

    async fn message_open(&self, id: i64) -> Result<Option<OpenMessage>> {
        let sql = "SELECT id, name, data, sent, until, cursor, reached, looked, hops FROM message WHERE id = $1 AND closed IS NULL";
        self.server.ask(sql, args![id]).await?.first().map(open).transpose()
    }

    async fn message_tickets(&self, message: &OpenMessage, hashes: &[String], limit: u32) -> Result<Vec<(TicketId, TicketNumber)>> {
        let sql = "SELECT DISTINCT t.id, t.number FROM instance i JOIN ticket t ON t.id = i.ticket_id \
             WHERE i.outcome IS NULL AND i.hash = ANY ($1) \
             AND i.ticket_id > (SELECT cursor FROM message WHERE id = $2) AND t.updated >= $3 \
             AND NOT EXISTS (SELECT 1 FROM message_done d WHERE d.message = $2 AND d.ticket_id = i.ticket_id) ORDER BY t.id LIMIT $4";
        let since = message.looked.map_or(i64::MIN, micros);
        let rows = self.server.ask(sql, args![hashes.to_vec(), message.id, since, limit]).await?;
        rows.iter()
            .map(|r| Ok((r.try_get(0).map(TicketId).map_err(error)?, r.try_get::<String, _>(1).map(TicketNumber::from).map_err(error)?)))
            .collect()
    }

    async fn message_progress(&self, message: &mut OpenMessage) -> Result<()> {
        // The message's row first: whoever marks a ticket meanwhile is seen to, or comes too late.
        let sql = "WITH m AS MATERIALIZED (SELECT id FROM message WHERE id = $1 FOR UPDATE), \
             done AS (DELETE FROM message_done WHERE message = (SELECT id FROM m) AND ticket_id <= $2 RETURNING 1) \
             UPDATE message SET cursor = greatest(cursor, $2), reached = reached + (SELECT count(*) FROM done) WHERE id = $1 RETURNING reached";
        let rows = self.server.tell(sql, args![message.id, message.cursor]).await?;
        let row = rows.first().ok_or(StoreError::NotFound)?;
        message.reached = row.try_get::<i64, _>(0).map_err(error)? as u64;
        Ok(())
    }

    async fn message_asked(&self, id: i64, looked: Timestamp, closed: bool) -> Result<()> {
        let sql = "UPDATE message SET looked = $2, cursor = 0, closed = CASE WHEN $3 THEN $2 END WHERE id = $1 AND closed IS NULL";
        self.server.tell(sql, args![id, micros(looked), closed]).await.map(|_| ())
    }
}
