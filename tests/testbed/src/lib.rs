//! Databases for tests: a SQLite file each, or, where `VORGANG_TEST_POSTGRES` names a PostgreSQL server, a database each on
//! that server. Every test that takes its database from here runs on both.

pub mod cluster;
pub mod fuzz;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use vorgang_store::Store;
use vorgang_store_postgres::PostgresStore;
use vorgang_store_sqlite::SqliteStore;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// The server, such as `postgres://postgres@127.0.0.1:5433`: without a database.
pub fn postgres() -> Option<String> {
    std::env::var("VORGANG_TEST_POSTGRES").ok().filter(|url| !url.is_empty())
}

/// Says why a test is skipped, on stderr and in the file that `VORGANG_SKIPPED` names: cargo hides the output of passing tests.
pub fn skip(why: impl AsRef<str>) {
    let line = format!("SKIPPED: {}: {}", std::thread::current().name().unwrap_or("a test"), why.as_ref());
    eprintln!("{line}");
    if let Some(file) = std::env::var_os("VORGANG_SKIPPED") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(file);
        let _ = file.and_then(|mut f| std::io::Write::write_all(&mut f, format!("{line}\n").as_bytes()));
    }
}

/// A folder that goes with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("vorgang-{name}-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An empty database, which goes with the test.
pub struct Database {
    pub url: String,
    /// On which server, under which name.
    on: Option<(String, String)>,
}

impl Database {
    /// In the folder, or on the server.
    pub fn new(folder: &Path) -> Self {
        match postgres() {
            None => Self { url: folder.join("test.db").display().to_string(), on: None },
            Some(server) => {
                let n = COUNT.fetch_add(1, Ordering::Relaxed);
                let name = format!("vorgang_test_{}_{n}", std::process::id());
                psql(&format!("{server}/postgres"), &format!("CREATE DATABASE {name}"));
                Self { url: format!("{server}/{name}"), on: Some((server, name)) }
            }
        }
    }

    /// One that is there already, and stays.
    pub fn at(url: String) -> Self {
        Self { url, on: None }
    }

    /// The same database once more; nobody may have it open.
    pub fn copy(&self, folder: &Path) -> Self {
        match &self.on {
            None => {
                let copy = folder.join("test.db");
                for end in ["", "-wal", "-shm"] {
                    let _ = std::fs::copy(format!("{}{end}", self.url), format!("{}{end}", copy.display()));
                }
                Self { url: copy.display().to_string(), on: None }
            }
            Some((server, from)) => {
                let name = format!("{from}_{}", COUNT.fetch_add(1, Ordering::Relaxed));
                let maintenance = format!("{server}/postgres");
                // A server that was killed may still have its connections for a moment.
                let end = format!("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{from}'");
                psql(&maintenance, &end);
                psql(&maintenance, &format!("CREATE DATABASE {name} TEMPLATE {from}"));
                Self { url: format!("{server}/{name}"), on: Some((server.clone(), name)) }
            }
        }
    }

    /// Changes rows behind everybody's back; how many.
    pub fn change(&self, sql: &str) -> usize {
        match &self.on {
            Some(_) => psql(&self.url, &format!("{sql} RETURNING 1")).lines().count(),
            None => rusqlite::Connection::open(&self.url).and_then(|c| c.execute(sql, [])).expect("the change"),
        }
    }

    pub async fn open(&self) -> Arc<dyn Store> {
        match &self.on {
            Some(_) => Arc::new(PostgresStore::open(&self.url).await.expect("a store")),
            None => Arc::new(SqliteStore::open(Path::new(&self.url)).expect("a store")),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.on {
            let url = format!("{server}/postgres");
            let _ = Command::new("psql").args([&url, "-qc", &format!("DROP DATABASE {name} WITH (FORCE)")]).output();
        }
    }
}

/// One statement; what it says comes back without headers.
pub fn psql(url: &str, sql: &str) -> String {
    let output = Command::new("psql").args([url, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", sql]).output().expect("psql runs");
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
