//! Sessions, links and tokens. Only hashes of them are stored.

use crate::open::SqliteStore;
use crate::rows::{error, micros, time};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use vorgang_core::chain::Hash;
use vorgang_core::ids::Login;
use vorgang_store::{Result, SecretKind, Secrets, Session, StoreError};

#[async_trait]
impl Secrets for SqliteStore {
    async fn secret_add(&self, kind: SecretKind, hash: Hash, login: &str, csrf: &str, now: Timestamp, expires: Timestamp) -> Result<()> {
        let person = self.names.person(login).ok_or(StoreError::NotFound)?;
        let csrf = csrf.to_owned();
        let add = move |c: &Connection| {
            let (now, expires) = (micros(now), micros(expires));
            let n = match kind {
                SecretKind::LoginLink => {
                    c.execute("INSERT INTO login_link (hash, person_id, expires) VALUES (?1, ?2, ?3)", params![&hash[..], person, expires])?
                }
                SecretKind::Session => c.execute(
                    "INSERT INTO session (hash, person_id, csrf, created, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![&hash[..], person, csrf, now, expires],
                )?,
                SecretKind::ApiToken => {
                    c.execute("INSERT INTO api_token (hash, person_id, created) VALUES (?1, ?2, ?3)", params![&hash[..], person, now])?
                }
            };
            // What has expired goes when something of its kind comes.
            c.execute("DELETE FROM login_link WHERE expires < ?1", [now])?;
            c.execute("DELETE FROM session WHERE expires < ?1", [now])?;
            Ok(n as i64)
        };
        self.write(false, add).await.map(|_| ())
    }

    async fn login_link_take(&self, hash: Hash, now: Timestamp) -> Result<Option<Login>> {
        let take = move |c: &Connection| {
            let sql = "DELETE FROM login_link WHERE hash = ?1 AND expires >= ?2 RETURNING person_id";
            c.query_row(sql, params![&hash[..], micros(now)], |r| r.get::<_, i64>(0)).optional().map(|id| id.unwrap_or(0))
        };
        let id = self.write(false, take).await?;
        Ok((id != 0).then(|| self.names.login(id)))
    }

    async fn session_get(&self, hash: Hash, now: Timestamp) -> Result<Option<Session>> {
        let c = self.reader();
        let sql = "SELECT p.login, s.csrf, s.expires FROM session s JOIN person p ON p.id = s.person_id WHERE s.hash = ?1 AND s.expires >= ?2 AND p.active = 1";
        let mut statement = c.prepare_cached(sql).map_err(error)?;
        let row =
            |r: &rusqlite::Row| Ok(Session { login: r.get::<_, String>(0).map(Login::from)?, csrf: r.get(1)?, expires: time(r.get(2)?)? });
        statement.query_row(params![&hash[..], micros(now)], row).optional().map_err(error)
    }

    async fn session_delete(&self, hash: Hash) -> Result<()> {
        self.write(false, move |c| c.execute("DELETE FROM session WHERE hash = ?1", params![&hash[..]]).map(|n| n as i64)).await.map(|_| ())
    }

    async fn sessions_delete_of(&self, login: &str) -> Result<()> {
        let person = self.names.person(login).ok_or(StoreError::NotFound)?;
        let delete = move |c: &Connection| {
            c.execute("DELETE FROM session WHERE person_id = ?1", [person])?;
            c.execute("DELETE FROM login_link WHERE person_id = ?1", [person])?;
            c.execute("DELETE FROM api_token WHERE person_id = ?1", [person]).map(|n| n as i64)
        };
        self.write(false, delete).await.map(|_| ())
    }

    async fn token_login(&self, hash: Hash) -> Result<Option<String>> {
        let c = self.reader();
        let sql = "SELECT p.login FROM api_token a JOIN person p ON p.id = a.person_id WHERE a.hash = ?1 AND p.active = 1";
        let mut statement = c.prepare_cached(sql).map_err(error)?;
        statement.query_row(params![&hash[..]], |r| r.get(0)).optional().map_err(error)
    }
}
