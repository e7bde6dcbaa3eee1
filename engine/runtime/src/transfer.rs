//! A whole database into another one: rows in the order of tables and keys, what was written and where it stands in one
//! transaction, so that a transfer that was cut goes on.

use sha2::{Digest, Sha256};
use vorgang_core::chain::hex;
use vorgang_schema::tables::{TABLES, Table};
use vorgang_store::transfer::{Place, Row, Source, Target};
use vorgang_store::{Result, StoreError};

/// Rows that are moved at once.
const ROWS: u32 = 2_000;
/// Of tables whose rows may be large.
const LARGE: u32 = 8;
/// Tables with no more rows are compared whole when a transfer goes on.
const COMPARED: u64 = 20_000;

/// A table with how many of its rows are there, of how many.
pub struct Progress<'a> {
    pub table: &'a str,
    /// Rows of all tables.
    pub done: u64,
    pub all: u64,
}

/// What was moved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moved {
    pub rows: u64,
    pub tickets: u64,
    pub history: u64,
    /// Attachments that did not come along.
    pub missing: u64,
    /// Mails that wait for an administrator.
    pub held: u64,
    /// It went on where an earlier one was cut.
    pub went_on: bool,
}

fn limit(table: &Table) -> u32 {
    if ["blob", "checkpoint", "revision"].contains(&table.name) { LARGE } else { ROWS }
}

/// What stands in the small tables: people, what they chose, mails that wait.
async fn digest(source: &mut dyn Source, counts: &[u64]) -> Result<String> {
    let mut hash = Sha256::new();
    let small = |(table, count): &(&Table, &u64)| **count <= COMPARED && limit(table) == ROWS;
    for (table, _) in TABLES.iter().zip(counts).filter(small) {
        let mut after: Option<Row> = None;
        loop {
            let rows = source.rows(table, after.as_deref(), ROWS).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last[..table.key].to_vec());
            hash.update(serde_json::to_vec(&rows).map_err(|e| StoreError::Corrupt(e.to_string()))?);
        }
        hash.update(table.name);
    }
    Ok(hex(&hash.finalize()))
}

/// Moves everything that is not there yet, counts it, and ends the transfer.
/// With `restores`, mail that may have gone out since is held.
pub async fn transfer(
    source: &mut dyn Source,
    target: &mut dyn Target,
    restores: bool,
    told: &mut (dyn FnMut(Progress) + Send),
) -> Result<Moved> {
    let mut counts = vec![];
    for table in TABLES {
        counts.push(source.count(table).await?);
    }
    let all = counts.iter().sum();
    // Sessions and the like come and go; what tells one state of a desk from another does not.
    let says = |name: &str| TABLES.iter().position(|t| t.name == name).map_or(0, |i| counts[i]);
    let state = ["history", "ticket", "revision", "person"].map(|t| format!("{} {t}", says(t))).join(", ");
    let mut place = Place { source: state.clone(), digest: digest(source, &counts).await?, table: 0, after: None };
    let mut moved = Moved { tickets: says("ticket"), history: says("history"), ..Moved::default() };
    if let Some(begun) = target.place().await? {
        let changed = match (begun.source != state, begun.digest != place.digest) {
            (true, _) => Some(format!("{} then, {state} now", begun.source)),
            (false, true) => Some("people, or what waits to be sent".to_owned()),
            (false, false) => None,
        };
        if let Some(changed) = changed {
            let why = format!("the source has changed since the copy was begun ({changed}); begin anew with an empty target");
            return Err(StoreError::Unavailable(why));
        }
        moved.went_on = true;
        place = begun;
    }
    let mut done: u64 = 0;
    for (i, table) in TABLES.iter().enumerate() {
        if i < place.table {
            done += counts[i];
            continue;
        }
        if place.table < i {
            place = Place { table: i, after: None, ..place };
        }
        done += if place.after.is_some() { target.count(table).await? } else { 0 };
        loop {
            told(Progress { table: table.name, done, all });
            let rows = source.rows(table, place.after.as_deref(), limit(table)).await?;
            let Some(last) = rows.last() else { break };
            place.after = Some(last[..table.key].to_vec());
            done += rows.len() as u64;
            target.write(table, rows, &place).await?;
        }
    }
    for (i, table) in TABLES.iter().enumerate() {
        let there = target.count(table).await?;
        // The same attachment may lie inside and outside.
        let right = if table.name == "blob" { there <= counts[i] } else { there == counts[i] };
        if !right {
            return Err(StoreError::Corrupt(format!("{}: {} rows, of which {there} arrived", table.name, counts[i])));
        }
    }
    moved.missing = target.missing().await?;
    if restores {
        moved.held = target.hold().await?;
    }
    target.finish().await?;
    moved.rows = all;
    Ok(moved)
}
