//! Moving whole databases, table by table: between two kinds, into a backup, out of it.

use crate::Result;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use vorgang_schema::tables::Table;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cell {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// The columns of a table, in its order.
pub type Row = Vec<Cell>;

/// Where a transfer stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// What the source was when it began.
    pub source: String,
    /// Of its small tables, whose rows change without their number changing.
    pub digest: String,
    /// Tables before this one are done.
    pub table: usize,
    /// The key of the last row that was written.
    pub after: Option<Vec<Cell>>,
}

/// A database as it is at one moment.
#[async_trait]
pub trait Source: Send {
    async fn count(&mut self, table: &Table) -> Result<u64>;
    /// Rows behind the key, in the order of keys.
    async fn rows(&mut self, table: &Table, after: Option<&[Cell]>, limit: u32) -> Result<Vec<Row>>;
}

/// A database that is filled. Until it is finished nobody else can open it.
#[async_trait]
pub trait Target: Send {
    /// Where an earlier transfer was cut; `None` where nothing was begun.
    async fn place(&mut self) -> Result<Option<Place>>;
    /// Rows, and where the transfer stands after them, in one transaction.
    async fn write(&mut self, table: &Table, rows: Vec<Row>, place: &Place) -> Result<()>;
    async fn count(&mut self, table: &Table) -> Result<u64>;
    /// Mail that may have gone out since the source was made waits for an administrator; how much.
    async fn hold(&mut self) -> Result<u64>;
    /// Attachments that articles name and that are not there.
    async fn missing(&mut self) -> Result<u64>;
    /// All is there: it is a database like any other.
    async fn finish(&mut self) -> Result<()>;
}
