//! Opens the database file: checks its owner and version, takes the lock, migrates.

use crate::rows::error;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use vorgang_store::{Result, StoreError};

/// How long a connection waits for another process.
pub const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

pub(crate) fn unavailable(e: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(e.to_string())
}

/// The lock file beside a database.
pub fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// The file, locked; [`StoreError::Conflict`] where another process has it.
pub(crate) fn held(file: std::fs::File) -> Result<std::fs::File> {
    file.try_lock().map_err(|e| match e {
        std::fs::TryLockError::WouldBlock => StoreError::Conflict,
        std::fs::TryLockError::Error(e) => unavailable(e),
    })?;
    Ok(file)
}

/// Is there a file already, and can it be a database? Looked at before anything is made beside it.
pub(crate) fn ours(path: &Path) -> Result<bool> {
    use std::io::Read;
    match std::fs::File::open(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        file => {
            let mut head = vec![];
            file.and_then(|f| f.take(16).read_to_end(&mut head)).map_err(unavailable)?;
            match head.is_empty() || head == b"SQLite format 3\0" {
                true => Ok(true),
                false => Err(StoreError::Corrupt("it is no database".into())),
            }
        }
    }
}

pub(crate) fn reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(path, flags).map_err(error)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -4000;").map_err(error)?;
    prepare_once(&connection)?;
    Ok(connection)
}

/// Statements are kept, and their plans do not depend on what is bound: otherwise each new value plans them anew.
pub(crate) fn prepare_once(connection: &Connection) -> Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT).map_err(error)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ()).map_err(error)
}

/// The schema's version; what a newer program has made and says that this one cannot work with is refused.
pub(crate) fn known(connection: &Connection) -> Result<usize> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |r| r.get(0)).map_err(error)?;
    let known = vorgang_schema::SQLITE_MIGRATIONS.len();
    let needs = || {
        let says: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_master WHERE name = 'schema_needs'", [], |r| r.get(0)).map_err(error)?;
        if says == 0 { Ok(version) } else { connection.query_row("SELECT steps FROM schema_needs", [], |r| r.get(0)).map_err(error) }
    };
    if version as usize <= known || needs()? as usize <= known {
        return Ok(version as usize);
    }
    Err(StoreError::Corrupt(format!("the database is of a newer version ({version}) than this program knows ({known})")))
}

pub(crate) fn migrate(connection: &Connection) -> Result<()> {
    let version = known(connection)?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |r| r.get(0)).map_err(error)?;
    if version == 0 && tables > 0 {
        return Err(StoreError::Corrupt("it is the database of another program".into()));
    }
    for (i, sql) in vorgang_schema::SQLITE_MIGRATIONS.iter().enumerate().skip(version) {
        let step = format!("BEGIN IMMEDIATE; {sql} PRAGMA user_version = {}; COMMIT;", i + 1);
        if let Err(e) = connection.execute_batch(&step) {
            let _ = connection.execute_batch("ROLLBACK");
            return Err(error(e));
        }
    }
    Ok(())
}
