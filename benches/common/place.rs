//! Where the database of a bench is: SQLite's file, or a database on a PostgreSQL of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use vorgang_store::Store;
use vorgang_store_postgres::PostgresStore;
use vorgang_store_sqlite::SqliteStore;
use vorgang_testbed::cluster::{Cluster, programs};
use vorgang_testbed::psql;

pub enum Place {
    File(PathBuf),
    Server(String),
}

/// Makes places of one kind.
pub enum Ground<'a> {
    Folder(&'a Path),
    Cluster(Cluster),
}

impl<'a> Ground<'a> {
    /// `None` where PostgreSQL is wanted and not installed.
    pub fn new(folder: &'a Path, postgres: bool) -> Option<Self> {
        if !postgres {
            return Some(Self::Folder(folder));
        }
        if programs().is_none() {
            println!("PostgreSQL is not installed: SKIPPED");
            return None;
        }
        Some(Self::Cluster(Cluster::start(true, false)))
    }

    pub fn place(&self, name: &str) -> Place {
        match self {
            Self::Folder(folder) => Place::File(folder.join(format!("{name}.db"))),
            Self::Cluster(cluster) => {
                let server = cluster.primary.server();
                psql(&format!("{server}/postgres"), &format!("CREATE DATABASE {name}"));
                Place::Server(format!("{server}/{name}"))
            }
        }
    }
}

impl Place {
    pub fn url(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Server(url) => url.clone(),
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::File(_) => "SQLite",
            Self::Server(_) => "PostgreSQL",
        }
    }

    pub async fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::File(path) => Arc::new(SqliteStore::open(path).expect("a store")),
            Self::Server(url) => Arc::new(PostgresStore::open(url).await.expect("a store")),
        }
    }

    /// The number that a query gives.
    pub fn one(&self, sql: &str) -> i64 {
        match self {
            Self::File(path) => rusqlite::Connection::open(path).and_then(|c| c.query_row(sql, [], |r| r.get(0))).expect("a number"),
            Self::Server(url) => psql(url, sql).parse().expect("a number"),
        }
    }

    /// Statements, past the engine.
    pub fn run(&self, sql: &str) {
        match self {
            Self::File(path) => rusqlite::Connection::open(path).and_then(|c| c.execute_batch(sql)).expect("the statements"),
            Self::Server(url) => drop(psql(url, sql)),
        }
    }

    /// After many rows: what the database knows of them is anew.
    pub fn settle(&self) {
        if let Self::Server(url) = self {
            psql(url, "VACUUM ANALYZE");
        }
    }
}
