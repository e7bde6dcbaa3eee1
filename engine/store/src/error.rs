//! What can go wrong with a store.

use vorgang_core::chain::{self};

/// Nothing else can go wrong with a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("not found")]
    NotFound,
    /// The version is no longer the expected one, or a key is taken.
    #[error("conflict")]
    Conflict,
    /// I/O error, no connection: nothing was written, try later.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// No space is left: nothing was written, and nothing will be until there is some.
    #[error("no space is left for the database: {0}")]
    Full(String),
    /// Too much at once, or something in the way: nothing was written, try again.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The database was lost while it wrote: whether it did is not known. The same request under the same key tells.
    #[error("it is not known whether it was written: {0}")]
    Unknown(String),
    #[error("the database is corrupt: {0}")]
    Corrupt(String),
    /// A newer release wrote it; this one does not guess what it means.
    #[error("{0}")]
    Newer(String),
}

/// A word in a row that is not known here: a newer release has written it.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not known to this release: a newer release is needed")]
pub struct UnknownWord(pub String);

impl StoreError {
    /// May the same succeed later?
    pub fn passes(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Full(_) | Self::Busy(_) | Self::Unknown(_))
    }
}

impl From<chain::Unreadable> for StoreError {
    fn from(why: chain::Unreadable) -> Self {
        match why {
            chain::Unreadable::Broken(why) => Self::Corrupt(why),
            newer => Self::Newer(newer.to_string()),
        }
    }
}

pub type Result<T> = std::result::Result<T, StoreError>;
