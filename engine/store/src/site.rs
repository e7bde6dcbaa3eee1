//! What is known only of the site as a whole: mutexes, whose turn it is, and who has how much to do.

use crate::Result;
use async_trait::async_trait;
use vorgang_core::facts::MutexFact;
use vorgang_core::ids::Login;

/// Tickets that are named of those that wait for a mutex.
pub const WAITERS_MAX: u32 = 20;

#[async_trait]
pub trait Site: Send + Sync {
    /// Who holds the mutex, and who waits for it, the longest first.
    async fn mutex(&self, name: &str, key: &str) -> Result<MutexFact>;
    /// Who was given work last there.
    async fn turn(&self, place: &str) -> Result<Option<Login>>;
    /// How much claimed work this person has.
    async fn load(&self, login: &str) -> Result<u32>;
}
