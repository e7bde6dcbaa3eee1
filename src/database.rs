//! From the database's URL to a store.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vorgang_store::{Store, StoreError};
use vorgang_store_sqlite::SqliteStore;

/// The file of a SQLite database.
pub fn path(url: &str) -> anyhow::Result<PathBuf> {
    match url.split_once(':') {
        Some(("sqlite", path)) => Ok(path.trim_start_matches("//").into()),
        Some((scheme @ ("postgres" | "postgresql"), _)) => bail!("`{scheme}:` is not supported by this version; name a file for SQLite"),
        _ => Ok(url.into()),
    }
}

/// Beside the database: commands reach a running server through it.
pub fn socket(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sock");
    name.into()
}

pub fn open(url: &str) -> anyhow::Result<Arc<dyn Store>> {
    let path = path(url)?;
    match SqliteStore::open(&path) {
        Ok(store) => Ok(Arc::new(store)),
        Err(StoreError::Conflict) => bail!("another server holds {}", path.display()),
        Err(e) => Err(e).with_context(|| format!("cannot open {}", path.display())),
    }
}

pub fn open_read_only(url: &str) -> anyhow::Result<Arc<dyn Store>> {
    let path = path(url)?;
    match SqliteStore::open_read_only(&path) {
        Ok(store) => Ok(Arc::new(store)),
        Err(StoreError::NotFound) => bail!("there is no database {}", path.display()),
        Err(e) => Err(e).with_context(|| format!("cannot open {}", path.display())),
    }
}
