//! SQLite as the source and the target of a transfer.

use crate::connection::{self, migrate};
use crate::rows::error;
use async_trait::async_trait;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use std::path::Path;
use std::sync::Mutex;
use vorgang_schema::tables::Table;
use vorgang_store::transfer::{Cell, Place, Row, Source, Target};
use vorgang_store::{Result, StoreError};

/// A table that is there as long as a transfer into the database is not finished.
const MARKER: &str = "copying";

/// The database as it was when this was opened.
pub struct SqliteSource(Mutex<Connection>);

pub struct SqliteTarget(Mutex<Connection>);

fn get(connection: &mut Mutex<Connection>) -> &mut Connection {
    connection.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn columns(table: &Table) -> String {
    table.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

fn key(table: &Table) -> String {
    table.columns[..table.key].iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

fn marks(n: usize) -> String {
    vec!["?"; n].join(", ")
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Int(n) => Value::Integer(*n),
        Cell::Text(text) => Value::Text(text.clone()),
        Cell::Bytes(bytes) => Value::Blob(bytes.clone()),
    }
}

fn cell(value: ValueRef) -> Result<Cell> {
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(n) => Cell::Int(n),
        ValueRef::Text(text) => Cell::Text(std::str::from_utf8(text).map_err(|e| StoreError::Corrupt(e.to_string()))?.to_owned()),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
        ValueRef::Real(n) => return Err(StoreError::Corrupt(format!("{n} in a column that has no fractions"))),
    })
}

fn count(c: &Connection, table: &Table) -> Result<u64> {
    c.query_row(&format!("SELECT count(*) FROM \"{}\"", table.name), [], |r| r.get::<_, i64>(0)).map(|n| n as u64).map_err(error)
}

/// Fails where a transfer into the database was not finished.
pub fn unfinished(c: &Connection) -> Result<()> {
    let found = c.query_row("SELECT 1 FROM sqlite_master WHERE name = ?1", [MARKER], |_| Ok(())).optional().map_err(error)?;
    match found {
        None => Ok(()),
        Some(()) => Err(StoreError::Unavailable("what was copied into it is not complete; copy again".into())),
    }
}

impl SqliteSource {
    /// Was it made by an older program, so that it has to be brought up first?
    pub fn is_older(path: &Path) -> bool {
        let version = Connection::open(path).and_then(|c| c.query_row("PRAGMA user_version", [], |r| r.get::<_, i64>(0)));
        version.is_ok_and(|v| v > 0 && (v as usize) < vorgang_schema::SQLITE_MIGRATIONS.len())
    }

    /// Beside whoever writes.
    pub fn open(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(StoreError::NotFound);
        }
        let c = Connection::open(path).map_err(error)?;
        let version = connection::known(&c)?;
        if version < vorgang_schema::SQLITE_MIGRATIONS.len() {
            return Err(StoreError::Unavailable(format!(
                "the database is of an older version ({version}); serve it once with this program"
            )));
        }
        unfinished(&c)?;
        // The first read begins the moment that all others see.
        c.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -8000; BEGIN; SELECT count(*) FROM name;").map_err(error)?;
        Ok(Self(Mutex::new(c)))
    }

    /// The whole file as it is at this moment, into a new one: page by page, as fast as the disk is, since whoever writes
    /// meanwhile cannot begin the log anew. Blocks as long as that takes.
    pub fn copy_to(&mut self, path: &Path) -> Result<SqliteTarget> {
        let mut copy = Connection::open(path).map_err(error)?;
        let done = Backup::new(get(&mut self.0), &mut copy).and_then(|b| b.step(-1)).map_err(error)?;
        if done != StepResult::Done {
            return Err(StoreError::Unavailable("the database is busy".into()));
        }
        copy.execute_batch("PRAGMA journal_mode = DELETE;").map_err(error)?;
        Ok(SqliteTarget(Mutex::new(copy)))
    }
}

#[async_trait]
impl Source for SqliteSource {
    async fn count(&mut self, table: &Table) -> Result<u64> {
        count(get(&mut self.0), table)
    }

    async fn rows(&mut self, table: &Table, after: Option<&[Cell]>, limit: u32) -> Result<Vec<Row>> {
        let c = get(&mut self.0);
        let key = key(table);
        let behind = if after.is_some() { format!("WHERE ({key}) > ({})", marks(table.key)) } else { String::new() };
        let sql = format!("SELECT {} FROM \"{}\" {behind} ORDER BY {key} LIMIT {limit}", columns(table), table.name);
        let mut statement = c.prepare_cached(&sql).map_err(error)?;
        let mut rows = statement.query(params_from_iter(after.unwrap_or_default().iter().map(value))).map_err(error)?;
        let mut all = vec![];
        while let Some(row) = rows.next().map_err(error)? {
            all.push((0..table.columns.len()).map(|i| cell(row.get_ref(i).map_err(error)?)).collect::<Result<Row>>()?);
        }
        Ok(all)
    }
}

impl SqliteTarget {
    /// A new file, or one into which a transfer was begun.
    pub fn open(path: &Path) -> Result<Self> {
        let c = Connection::open(path).map_err(error)?;
        // Before anything is changed: whatever it is that is there.
        let there: i64 = c.query_row("SELECT count(*) FROM sqlite_master", [], |r| r.get(0)).map_err(error)?;
        let begun = unfinished(&c).is_err();
        let used = "SELECT EXISTS (SELECT 1 FROM revision) OR EXISTS (SELECT 1 FROM ticket)";
        // One that was cut before its first row is as good as a new one.
        if there > 0 && !begun && c.query_row(used, [], |r| r.get(0)).unwrap_or(true) {
            return Err(StoreError::Unavailable("it is not empty".into()));
        }
        c.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16000;").map_err(error)?;
        if !begun {
            migrate(&c)?;
            // What a new database has of its own comes with the rows.
            let create =
                format!("BEGIN; CREATE TABLE {MARKER} (place TEXT NOT NULL); DELETE FROM person; DELETE FROM number_block; COMMIT");
            c.execute_batch(&create).map_err(error)?;
        }
        Ok(Self(Mutex::new(c)))
    }
}

impl SqliteTarget {
    /// An attachment that lay outside of what was copied.
    pub fn add_blob(&mut self, hash: &str, bytes: &[u8]) -> Result<()> {
        let sql = "INSERT INTO blob (hash, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        get(&mut self.0).execute(sql, params![hash, bytes]).map(|_| ()).map_err(error)
    }
}

#[async_trait]
impl Target for SqliteTarget {
    async fn place(&mut self) -> Result<Option<Place>> {
        let found = get(&mut self.0).query_row(&format!("SELECT place FROM {MARKER}"), [], |r| r.get::<_, String>(0)).optional();
        found.map_err(error)?.map(|text| serde_json::from_str(&text).map_err(|e| StoreError::Corrupt(e.to_string()))).transpose()
    }

    async fn write(&mut self, table: &Table, rows: Vec<Row>, place: &Place) -> Result<()> {
        let tx = get(&mut self.0).transaction().map_err(error)?;
        {
            let sql = format!("INSERT INTO \"{}\" ({}) VALUES ({})", table.name, columns(table), marks(table.columns.len()));
            let mut statement = tx.prepare_cached(&sql).map_err(error)?;
            for row in &rows {
                statement.execute(params_from_iter(row.iter().map(value))).map_err(error)?;
            }
        }
        let place = serde_json::to_string(place).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        tx.execute(&format!("DELETE FROM {MARKER}"), []).map_err(error)?;
        tx.execute(&format!("INSERT INTO {MARKER} (place) VALUES (?1)"), [place]).map_err(error)?;
        tx.commit().map_err(error)
    }

    async fn count(&mut self, table: &Table) -> Result<u64> {
        count(get(&mut self.0), table)
    }

    async fn hold(&mut self) -> Result<u64> {
        let sql =
            "UPDATE delivery SET state = 'held', owner = NULL, error = 'restored from a backup' WHERE state = 'due' AND channel = 'mail'";
        get(&mut self.0).execute(sql, []).map(|n| n as u64).map_err(error)
    }

    async fn missing(&mut self) -> Result<u64> {
        // Of articles, of fields that are files, and of mail that came in. Erased content has no hash.
        let sql = r#"SELECT count(*) FROM (SELECT blob_hash AS hash FROM article_part WHERE blob_hash <> '' UNION SELECT blob_hash FROM inbox WHERE blob_hash <> ''
            UNION SELECT j.value FROM ticket t, json_tree(t.fields) j WHERE t.fields LIKE '%"blob"%' AND j.key = 'blob') named
            WHERE NOT EXISTS (SELECT 1 FROM blob b WHERE b.hash = named.hash)"#;
        get(&mut self.0).query_row(sql, [], |r| r.get::<_, i64>(0)).map(|n| n as u64).map_err(error)
    }

    async fn finish(&mut self) -> Result<()> {
        let end = format!(
            "UPDATE search_built SET up_to = 0; DROP TABLE {MARKER}; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;"
        );
        get(&mut self.0).execute_batch(&end).map_err(error)
    }
}
