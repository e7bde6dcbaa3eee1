//! Answers to requests that may be sent again.

use crate::arg::args;
use crate::rows::{error, hash, micros};
use crate::store::PostgresStore;
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;
use vorgang_store::{Idempotency, Requests, Result, StoreError};

#[async_trait]
impl Requests for PostgresStore {
    async fn idempotency_get(&self, login: &str, key: &str) -> Result<Option<Idempotency>> {
        let Some(person) = self.person_id(login).await? else { return Ok(None) };
        let sql = "SELECT body_hash, status, answer FROM idempotency WHERE person_id = $1 AND key = $2";
        let rows = self.server.ask(sql, args![person, key]).await?;
        let Some(r) = rows.first() else { return Ok(None) };
        Ok(Some(Idempotency {
            login: login.into(),
            key: key.to_owned(),
            body_hash: r.try_get(0).and_then(hash).map_err(error)?,
            status: r.try_get::<i64, _>(1).map_err(error)? as u16,
            answer: r.try_get(2).map_err(error)?,
        }))
    }

    async fn idempotency_put(&self, kept: &Idempotency, at: Timestamp) -> Result<()> {
        let person = self.person_id(&kept.login).await?.ok_or(StoreError::NotFound)?;
        let sql = "INSERT INTO idempotency (person_id, key, body_hash, status, answer, at) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT DO NOTHING RETURNING 1";
        let values = args![person, &kept.key, &kept.body_hash, i64::from(kept.status), &kept.answer, micros(at)];
        let rows = self.server.tell(sql, values).await?;
        if rows.is_empty() { Err(StoreError::Conflict) } else { Ok(()) }
    }
}
