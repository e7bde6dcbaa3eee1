//! Sessions, links and tokens. Only hashes of them are stored.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use vorgang_core::chain::Hash;
use vorgang_core::ids::Login;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub login: Login,
    pub csrf: String,
    pub expires: Timestamp,
}

/// What a secret opens: only its hash is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    LoginLink,
    Session,
    ApiToken,
}

#[async_trait]
pub trait Secrets: Send + Sync {
    async fn secret_add(&self, kind: SecretKind, hash: Hash, login: &str, csrf: &str, now: Timestamp, expires: Timestamp) -> Result<()>;
    /// A login link is gone once it was taken.
    async fn login_link_take(&self, hash: Hash, now: Timestamp) -> Result<Option<Login>>;
    async fn session_get(&self, hash: Hash, now: Timestamp) -> Result<Option<Session>>;
    async fn session_delete(&self, hash: Hash) -> Result<()>;
    async fn sessions_delete_of(&self, login: &str) -> Result<()>;
    async fn token_login(&self, hash: Hash) -> Result<Option<String>>;
}
