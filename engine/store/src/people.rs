//! The people of the desk.

use crate::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use vorgang_core::people::Person;

#[async_trait]
pub trait People: Send + Sync {
    async fn person_list(&self) -> Result<Vec<Person>>;
    /// With a time, what is new or changed happens to the desk then.
    async fn person_save(&self, people: &[Person], happens: Option<Timestamp>) -> Result<()>;
    async fn password_set(&self, login: &str, hash: Option<&str>) -> Result<()>;
    async fn password_get(&self, login: &str) -> Result<Option<String>>;
}
