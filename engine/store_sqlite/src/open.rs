//! Opening a file: whose it is, who may write, which version it has.

use crate::connection::{held, known, lock_path, migrate, ours, prepare_once, reader, unavailable};
use crate::reads::{self, Kind, Readers};
use crate::rows::error;
use crate::writer::Writer;
use crate::{checkpoint, claims, names, transfer};
use rusqlite::Connection;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, MutexGuard};
use vorgang_store::files::Shelf;
use vorgang_store::names::NameIds;
use vorgang_store::{Result, StoreError};

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
        names::reload(&names, &connection).map_err(error)?;
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
        names::reload(&names, &connection).map_err(error)?;
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
