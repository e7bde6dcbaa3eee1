//! Opening a file: whose it is, who may write, which version it has.

use crate::names::NameIds;
use crate::reads::{self, Kind, Readers};
use crate::rows::error;
use crate::transfer;
use crate::writer::Writer;
use crate::{checkpoint, claims};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard};
use vorgang_store::files::Shelf;
use vorgang_store::{Result, StoreError};

/// How long a connection waits for another process.
pub const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);
pub struct SqliteStore {
    pub(crate) names: Arc<NameIds>,
    /// `None` when opened for reading only.
    pub(crate) writer: Option<Writer>,
    pub(crate) readers: Readers,
    pub(crate) files: Option<Shelf>,
    /// Held as long as this process may write: the lock's file, and the database's own, which is the same by whatever path, link or
    /// name it is reached.
    _locks: Vec<std::fs::File>,
}

pub(crate) fn unavailable(e: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(e.to_string())
}

/// The lock file beside a database.
pub fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

impl SqliteStore {
    /// Opens for writing, migrates, and keeps others from writing. [`StoreError::Conflict`] when a server has it.
    pub fn open(path: &Path) -> Result<Self> {
        let new = !ours(path)?;
        let lock =
            std::fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(lock_path(path)).map_err(unavailable)?;
        let lock = held(lock)?;
        let connection = Connection::open(path).map_err(error)?;
        let own = held(std::fs::File::open(path).map_err(unavailable)?)?;
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 167772160; PRAGMA cache_size = -16000;")
            .map_err(error)?;
        if new {
            let own = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(path, own).map_err(unavailable)?;
        }
        prepare_once(&connection)?;
        transfer::unfinished(&connection)?;
        migrate(&connection)?;
        // The lock says that the process that claimed them has ended.
        claims::give_back(&connection, false).map_err(error)?;
        let names = Arc::new(NameIds::default());
        crate::names::reload(&names, &connection).map_err(error)?;
        let writer = Writer::start(connection, names.clone()).map_err(unavailable)?;
        checkpoint::start(path, &writer).map_err(unavailable)?;
        Ok(Self { names, writer: Some(writer), readers: Readers::open(path)?, files: None, _locks: vec![lock, own] })
    }

    /// Opens for reading, beside whoever writes.
    pub fn open_read_only(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(StoreError::NotFound);
        }
        let connection = reader(path)?;
        transfer::unfinished(&connection)?;
        let (version, latest) = (known(&connection)?, vorgang_schema::SQLITE_MIGRATIONS.len());
        if version < latest {
            let why = format!("its schema is at step {version} of {latest}: the next start, or any command that writes, completes it");
            return Err(StoreError::Unavailable(why));
        }
        let names = Arc::new(NameIds::default());
        crate::names::reload(&names, &connection).map_err(error)?;
        Ok(Self { names, writer: None, readers: Readers::open(path)?, files: None, _locks: vec![] })
    }

    /// With large attachments elsewhere.
    pub fn with_files(self, files: Option<Shelf>) -> Self {
        Self { files, ..self }
    }

    pub(crate) fn reader(&self) -> MutexGuard<'_, Connection> {
        vorgang_store::count_query();
        self.readers.short()
    }

    /// A read whose work grows with the database, for a person who waits.
    pub(crate) async fn read<T>(&self, kind: Kind, read: impl Fn(&Connection) -> Result<T> + Send + Sync) -> Result<T> {
        vorgang_store::count_query();
        self.readers.read(kind, reads::PAGE, read).await
    }

    /// The same for the desk's own work.
    pub(crate) async fn read_patiently<T>(&self, kind: Kind, read: impl Fn(&Connection) -> Result<T> + Send + Sync) -> Result<T> {
        vorgang_store::count_query();
        self.readers.read(kind, reads::LANE, read).await
    }

    pub(crate) fn settle(&self) {
        if let Some(writer) = &self.writer {
            let truncate = |c: &Connection| drop(c.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
            let _ = writer.between()(&truncate);
        }
    }

    pub(crate) fn writer(&self) -> Result<&Writer> {
        self.writer.as_ref().ok_or_else(|| unavailable("opened for reading only"))
    }

    pub(crate) async fn write(
        &self,
        reload: bool,
        write: impl FnOnce(&Connection) -> rusqlite::Result<i64> + Send + 'static,
    ) -> Result<i64> {
        vorgang_store::count_query();
        self.writer()?.write(reload, move |c, _| write(c).map_err(error)).await
    }
}

/// The file, locked; [`StoreError::Conflict`] where another process has it.
fn held(file: std::fs::File) -> Result<std::fs::File> {
    file.try_lock().map_err(|e| match e {
        std::fs::TryLockError::WouldBlock => StoreError::Conflict,
        std::fs::TryLockError::Error(e) => unavailable(e),
    })?;
    Ok(file)
}

/// Is there a file already, and can it be a database? Looked at before anything is made beside it.
fn ours(path: &Path) -> Result<bool> {
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
fn prepare_once(connection: &Connection) -> Result<()> {
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
