//! Sessions, links and tokens. Only hashes of them are stored.

use crate::arg::args;
use crate::rows::{error, micros, time};
use crate::store::PostgresStore;
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;
use vorgang_core::chain::Hash;
use vorgang_core::ids::Login;
use vorgang_store::{Result, SecretKind, Secrets, Session, StoreError};

impl PostgresStore {
    async fn secret(&self, kind: SecretKind, hash: Hash, person: i64, csrf: &str, now: i64, expires: i64) -> Result<()> {
        match kind {
            SecretKind::LoginLink => {
                let sql = "INSERT INTO login_link (hash, person_id, expires) VALUES ($1, $2, $3)";
                self.server.tell(sql, args![&hash, person, expires]).await?;
            }
            SecretKind::Session => {
                let sql = "INSERT INTO session (hash, person_id, csrf, created, expires) VALUES ($1, $2, $3, $4, $5)";
                self.server.tell(sql, args![&hash, person, csrf, now, expires]).await?;
            }
            SecretKind::ApiToken => {
                let sql = "INSERT INTO api_token (hash, person_id, created) VALUES ($1, $2, $3)";
                self.server.tell(sql, args![&hash, person, now]).await?;
            }
        }
        // What has expired goes when something of its kind comes.
        let sql = "WITH links AS (DELETE FROM login_link WHERE expires < $1) DELETE FROM session WHERE expires < $1";
        self.server.tell(sql, args![now]).await.map(|_| ())
    }
}

#[async_trait]
impl Secrets for PostgresStore {
    async fn secret_add(&self, kind: SecretKind, hash: Hash, login: &str, csrf: &str, now: Timestamp, expires: Timestamp) -> Result<()> {
        let person = self.person_id(login).await?.ok_or(StoreError::NotFound)?;
        self.secret(kind, hash, person, csrf, micros(now), micros(expires)).await
    }

    async fn login_link_take(&self, hash: Hash, now: Timestamp) -> Result<Option<Login>> {
        let sql = "WITH gone AS (DELETE FROM login_link WHERE hash = $1 AND expires >= $2 RETURNING person_id) \
             SELECT p.login FROM gone JOIN person p ON p.id = gone.person_id";
        let rows = self.server.tell(sql, args![&hash, micros(now)]).await?;
        rows.first().map(|r| r.try_get::<String, _>(0).map(Login::from).map_err(error)).transpose()
    }

    async fn session_get(&self, hash: Hash, now: Timestamp) -> Result<Option<Session>> {
        let sql = "SELECT p.login, s.csrf, s.expires FROM session s JOIN person p ON p.id = s.person_id \
             WHERE s.hash = $1 AND s.expires >= $2 AND p.active";
        let rows = self.server.ask(sql, args![&hash, micros(now)]).await?;
        let Some(r) = rows.first() else { return Ok(None) };
        let (login, csrf) = (r.try_get::<String, _>(0).map(Login::from).map_err(error)?, r.try_get(1).map_err(error)?);
        Ok(Some(Session { login, csrf, expires: r.try_get(2).and_then(time).map_err(error)? }))
    }

    async fn session_delete(&self, hash: Hash) -> Result<()> {
        self.server.tell("DELETE FROM session WHERE hash = $1", args![&hash]).await.map(|_| ())
    }

    async fn sessions_delete_of(&self, login: &str) -> Result<()> {
        let person = self.person_id(login).await?.ok_or(StoreError::NotFound)?;
        let sql = "WITH a AS (DELETE FROM session WHERE person_id = $1), b AS (DELETE FROM login_link WHERE person_id = $1) \
             DELETE FROM api_token WHERE person_id = $1";
        self.server.tell(sql, args![person]).await.map(|_| ())
    }

    async fn token_login(&self, hash: Hash) -> Result<Option<String>> {
        let sql = "SELECT p.login FROM api_token a JOIN person p ON p.id = a.person_id WHERE a.hash = $1 AND p.active";
        let rows = self.server.ask(sql, args![&hash]).await?;
        rows.first().map(|r| r.try_get(0).map_err(error)).transpose()
    }
}
