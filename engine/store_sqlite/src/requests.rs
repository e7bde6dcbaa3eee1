//! Answers to requests that may be sent again.

use crate::open::SqliteStore;
use crate::rows::{error, hash, micros};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use vorgang_store::{Idempotency, Requests, Result, StoreError};

#[async_trait]
impl Requests for SqliteStore {
    async fn idempotency_get(&self, login: &str, key: &str) -> Result<Option<Idempotency>> {
        let Some(person) = self.names.person(login) else { return Ok(None) };
        let c = self.reader();
        let mut statement =
            c.prepare_cached("SELECT body_hash, status, answer FROM idempotency WHERE person_id = ?1 AND key = ?2").map_err(error)?;
        let row = |r: &rusqlite::Row| {
            Ok(Idempotency {
                login: login.into(),
                key: key.to_owned(),
                body_hash: hash(&r.get::<_, Vec<u8>>(0)?)?,
                status: r.get(1)?,
                answer: r.get(2)?,
            })
        };
        statement.query_row(params![person, key], row).optional().map_err(error)
    }

    async fn idempotency_put(&self, kept: &Idempotency, at: Timestamp) -> Result<()> {
        let person = self.names.person(&kept.login).ok_or(StoreError::NotFound)?;
        let (kept, at) = (kept.clone(), micros(at));
        let put = move |c: &Connection| {
            let sql = "INSERT OR IGNORE INTO idempotency (person_id, key, body_hash, status, answer, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            c.execute(sql, params![person, kept.key, &kept.body_hash[..], kept.status, kept.answer, at]).map(|n| n as i64)
        };
        match self.write(false, put).await? {
            0 => Err(StoreError::Conflict),
            _ => Ok(()),
        }
    }
}
