//! From the database's URL to a store.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vorgang_store::files::{Folder, Shelf};
use vorgang_store::{Store, StoreError};
use vorgang_store_postgres::PostgresStore;
use vorgang_store_sqlite::SqliteStore;

/// What a URL names.
#[derive(Clone)]
pub enum Place {
    /// The file of a SQLite database.
    File(PathBuf),
    /// A PostgreSQL database, by its URL.
    Server(String),
}

pub fn place(url: &str) -> anyhow::Result<Place> {
    Ok(match url.split_once(':') {
        Some(("sqlite", "" | "//")) => bail!("`{url}` names no file, as in sqlite:vorgang.db"),
        Some(("sqlite", path)) => Place::File(path.trim_start_matches("//").into()),
        Some(("postgres" | "postgresql", _)) => Place::Server(url.to_owned()),
        Some((scheme, rest)) if rest.starts_with("//") => {
            bail!("`{scheme}:` is no database; name a file, sqlite:FILE, or postgres://USER@HOST/DATABASE")
        }
        _ => Place::File(url.into()),
    })
}

impl Place {
    /// As [`place`] reads it.
    pub fn url(&self) -> std::ffi::OsString {
        match self {
            Self::File(path) => path.into(),
            Self::Server(url) => url.into(),
        }
    }

    /// For people: without a password.
    pub fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Server(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
                let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
                format!("{scheme}://{}", rest.split('?').next().unwrap_or_default())
            }
        }
    }

    /// Where files of the database lie that are not in it: beside the file.
    pub fn files(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(beside(path, ".files")),
            Self::Server(_) => None,
        }
    }

    /// Beside the file: commands reach a running server through it. A PostgreSQL server takes them itself.
    pub fn socket(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(beside(path, ".sock")),
            Self::Server(_) => None,
        }
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// What went wrong, without saying twice that it is about a database.
pub fn why(e: StoreError) -> anyhow::Error {
    match e {
        StoreError::Unavailable(text) | StoreError::Full(text) | StoreError::Busy(text) | StoreError::Corrupt(text) => {
            anyhow::anyhow!(text)
        }
        other => other.into(),
    }
}

/// What lies outside the database.
#[derive(Clone, Default)]
pub struct Outside {
    /// The key of checkpoints, and what they are written to.
    pub folder: Option<PathBuf>,
    /// Large attachments.
    pub shelf: Option<Shelf>,
}

impl Outside {
    /// By the folder, and the bucket where attachments lie instead of in it.
    pub fn new(folder: Option<PathBuf>, bucket: Option<&str>) -> anyhow::Result<Self> {
        let shelf = match bucket {
            Some(url) => Some(in_bucket(url)?),
            None => folder.as_deref().map(|f| Arc::new(Folder::new(f)) as _),
        };
        Ok(Self { folder, shelf })
    }
}

#[cfg(feature = "s3")]
fn in_bucket(url: &str) -> anyhow::Result<Shelf> {
    Ok(Arc::new(vorgang_store::files::Bucket::open(url).map_err(why)?))
}

#[cfg(not(feature = "s3"))]
fn in_bucket(url: &str) -> anyhow::Result<Shelf> {
    bail!("{url}: this program was built without buckets; build it with `--features s3`")
}

pub async fn open(url: &str, shelf: Option<Shelf>) -> anyhow::Result<Arc<dyn Store>> {
    open_place(&place(url)?, shelf).await
}

pub async fn open_place(place: &Place, shelf: Option<Shelf>) -> anyhow::Result<Arc<dyn Store>> {
    let opened: Result<Arc<dyn Store>, StoreError> = match place {
        Place::File(path) => SqliteStore::open(path).map(|s| Arc::new(s.with_files(shelf)) as _),
        Place::Server(url) => PostgresStore::open(url).await.map(|s| Arc::new(s.with_files(shelf)) as _),
    };
    match opened {
        Ok(store) => Ok(store),
        Err(StoreError::Conflict) => bail!("another server holds {}", place.shown()),
        Err(e) => Err(why(e)).with_context(|| format!("cannot open {}", place.shown())),
    }
}

pub async fn open_read_only(url: &str) -> anyhow::Result<Arc<dyn Store>> {
    read_only(&place(url)?).await
}

pub async fn read_only(place: &Place) -> anyhow::Result<Arc<dyn Store>> {
    let opened: Result<Arc<dyn Store>, StoreError> = match place {
        Place::File(path) => SqliteStore::open_read_only(path).map(|s| Arc::new(s) as _),
        Place::Server(url) => PostgresStore::open_read_only(url).await.map(|s| Arc::new(s) as _),
    };
    match opened {
        Ok(store) => Ok(store),
        Err(StoreError::NotFound) => match place {
            Place::File(_) => bail!("there is no database {}", place.shown()),
            Place::Server(_) => bail!("nothing was served from {} yet; `vorgang serve SITE` fills it", place.shown()),
        },
        Err(e) => Err(why(e)).with_context(|| format!("cannot open {}", place.shown())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_files_and_servers() {
        let shown = |url: &str| place(url).map(|p| p.shown()).map_err(|e| e.to_string());
        assert_eq!(shown("x.db"), Ok("x.db".into()));
        assert_eq!(shown("sqlite:///var/x.db"), Ok("/var/x.db".into()));
        assert_eq!(shown("postgres://me:secret@db1,db2/desk"), Ok("postgres://db1,db2/desk".into()));
        assert!(shown("mysql://me@db/desk").is_err_and(|e| e.contains("`mysql:` is no database")));
        assert!(shown("sqlite:").is_err());
    }
}
