//! PostgreSQL as the source and the target of a transfer.

use crate::migrate;
use crate::rows::{error, json, text};
use crate::server::Server;
use async_trait::async_trait;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Row as _};
use vorgang_schema::tables::{Kind, TABLES, Table};
use vorgang_store::transfer::{Cell, Place, Row, Source, Target};
use vorgang_store::{Result, StoreError};

/// A table that is there as long as a transfer into the database is not finished.
pub const MARKER: &str = "copying";

/// The database as it was when this was opened.
pub struct PostgresSource(PgConnection);

pub struct PostgresTarget(PgConnection);

fn columns(table: &Table) -> String {
    table.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

async fn count(c: &mut PgConnection, table: &Table) -> Result<u64> {
    let sql = format!("SELECT count(*) FROM \"{}\"", table.name);
    let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(c).await.map_err(error)?;
    row.try_get::<i64, _>(0).map(|n| n as u64).map_err(error)
}

async fn execute(c: &mut PgConnection, sql: impl Into<String>) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(c).await.map(|_| ()).map_err(error)
}

/// One that may take as long as it takes.
async fn patient(url: &str) -> Result<(Server, PgConnection)> {
    let server = Server::open(url).await?;
    let (mut c, _) = server.connection().await?;
    execute(&mut c, "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET plan_cache_mode = auto").await?;
    Ok((server, c))
}

impl PostgresSource {
    pub async fn open(url: &str) -> Result<Self> {
        let (server, mut c) = patient(url).await?;
        migrate::check_version(&server).await?;
        // The first read makes the moment that all others see.
        execute(&mut c, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT count(*) FROM name").await?;
        Ok(Self(c))
    }
}

fn cell(row: &PgRow, at: usize, kind: Kind) -> Result<Cell> {
    let cell = match kind {
        Kind::Int => row.try_get::<Option<i64>, _>(at).map(|n| n.map(Cell::Int)),
        Kind::Bool => row.try_get::<Option<bool>, _>(at).map(|b| b.map(|b| Cell::Int(b.into()))),
        Kind::Text | Kind::Json => row.try_get::<Option<String>, _>(at).map(|t| t.map(Cell::Text)),
        Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(at).map(|b| b.map(Cell::Bytes)),
    };
    cell.map(|c| c.unwrap_or(Cell::Null)).map_err(error)
}

#[async_trait]
impl Source for PostgresSource {
    async fn count(&mut self, table: &Table) -> Result<u64> {
        count(&mut self.0, table).await
    }

    async fn rows(&mut self, table: &Table, after: Option<&[Cell]>, limit: u32) -> Result<Vec<Row>> {
        let key: Vec<String> = table.columns[..table.key].iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let read = |(name, kind): &(&str, Kind)| if *kind == Kind::Json { format!("\"{name}\"::text") } else { format!("\"{name}\"") };
        let read = table.columns.iter().map(read).collect::<Vec<_>>().join(", ");
        let marks = (1..=table.key).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
        let behind = if after.is_some() { format!("WHERE ({}) > ({marks})", key.join(", ")) } else { String::new() };
        let sql = format!("SELECT {read} FROM \"{}\" {behind} ORDER BY {} LIMIT {limit}", table.name, key.join(", "));
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for cell in after.unwrap_or_default() {
            query = match cell {
                Cell::Int(n) => query.bind(n),
                Cell::Text(t) => query.bind(t),
                Cell::Bytes(b) => query.bind(b),
                Cell::Null => return Err(StoreError::Corrupt("a key that is null".into())),
            };
        }
        let rows = query.fetch_all(&mut self.0).await.map_err(error)?;
        let row = |r: &PgRow| table.columns.iter().enumerate().map(|(i, (_, kind))| cell(r, i, *kind)).collect();
        rows.iter().map(row).collect()
    }
}

impl PostgresTarget {
    /// An empty database, or one into which a transfer was begun.
    pub async fn open(url: &str) -> Result<Self> {
        let (server, mut c) = patient(url).await?;
        if !begun(&server).await? {
            migrate::migrate(&server).await?;
            let used = "SELECT 1 WHERE EXISTS (SELECT 1 FROM revision) OR EXISTS (SELECT 1 FROM ticket) OR EXISTS (SELECT 1 FROM node)";
            if !server.ask(used, vec![]).await?.is_empty() {
                return Err(StoreError::Unavailable("it is not empty, or a node uses it".into()));
            }
            // What a new database has of its own comes with the rows.
            let create =
                format!("BEGIN; CREATE TABLE {MARKER} (place TEXT NOT NULL); DELETE FROM person; DELETE FROM number_block; COMMIT");
            execute(&mut c, create).await?;
        }
        Ok(Self(c))
    }
}

/// Was a transfer into the database begun, and not finished?
pub async fn begun(server: &Server) -> Result<bool> {
    let sql = format!("SELECT 1 WHERE to_regclass('{MARKER}') IS NOT NULL");
    Ok(!server.ask(sql, vec![]).await?.is_empty())
}

/// One column of many rows, as an array.
fn bind<'q>(query: Query<'q, Postgres, PgArguments>, kind: Kind, rows: &[Row], at: usize) -> Query<'q, Postgres, PgArguments> {
    let int = |row: &Row| if let Cell::Int(n) = &row[at] { Some(*n) } else { None };
    match kind {
        Kind::Int => query.bind(rows.iter().map(int).collect::<Vec<_>>()),
        Kind::Bool => query.bind(rows.iter().map(|r| int(r).map(|n| n != 0)).collect::<Vec<_>>()),
        Kind::Text | Kind::Json => {
            let text = |row: &Row| if let Cell::Text(t) = &row[at] { Some(t.clone()) } else { None };
            query.bind(rows.iter().map(text).collect::<Vec<_>>())
        }
        Kind::Bytes => {
            let bytes = |row: &Row| if let Cell::Bytes(b) = &row[at] { Some(b.clone()) } else { None };
            query.bind(rows.iter().map(bytes).collect::<Vec<_>>())
        }
    }
}

#[async_trait]
impl Target for PostgresTarget {
    async fn place(&mut self) -> Result<Option<Place>> {
        let row = sqlx::query(AssertSqlSafe(format!("SELECT place FROM {MARKER}"))).fetch_optional(&mut self.0).await.map_err(error)?;
        row.map(|r| json(r.try_get(0).map_err(error)?)).transpose()
    }

    async fn write(&mut self, table: &Table, rows: Vec<Row>, place: &Place) -> Result<()> {
        let (mut arrays, mut names, mut values) = (vec![], vec![], vec![]);
        for (i, (_, kind)) in table.columns.iter().enumerate() {
            let (array, value) = match kind {
                Kind::Int => ("bigint[]", ""),
                Kind::Bool => ("boolean[]", ""),
                Kind::Text => ("text[]", ""),
                Kind::Json => ("text[]", "::jsonb"),
                Kind::Bytes => ("bytea[]", ""),
            };
            arrays.push(format!("${}::{array}", i + 1));
            names.push(format!("c{i}"));
            values.push(format!("c{i}{value}"));
        }
        let sql = format!(
            "INSERT INTO \"{}\" ({}) SELECT {} FROM unnest({}) x ({})",
            table.name,
            columns(table),
            values.join(", "),
            arrays.join(", "),
            names.join(", ")
        );
        let mut tx = self.0.begin().await.map_err(error)?;
        if !rows.is_empty() {
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for (i, (_, kind)) in table.columns.iter().enumerate() {
                query = bind(query, *kind, &rows, i);
            }
            query.execute(&mut *tx).await.map_err(error)?;
        }
        execute(&mut tx, format!("DELETE FROM {MARKER}")).await?;
        let sql = format!("INSERT INTO {MARKER} (place) VALUES ($1)");
        sqlx::query(AssertSqlSafe(sql)).bind(text(place)?).execute(&mut *tx).await.map_err(error)?;
        tx.commit().await.map_err(error)
    }

    async fn count(&mut self, table: &Table) -> Result<u64> {
        count(&mut self.0, table).await
    }

    async fn hold(&mut self) -> Result<u64> {
        let sql =
            "UPDATE delivery SET state = 'held', owner = NULL, error = 'restored from a backup' WHERE state = 'due' AND channel = 'mail'";
        sqlx::query(sql).execute(&mut self.0).await.map(|done| done.rows_affected()).map_err(error)
    }

    async fn missing(&mut self) -> Result<u64> {
        // Of articles, of fields that are files, and of mail that came in. Erased content has no hash.
        let sql = r#"SELECT count(*) FROM (SELECT blob_hash AS hash FROM article_part WHERE blob_hash <> '' UNION SELECT blob_hash FROM inbox WHERE blob_hash <> ''
            UNION SELECT jsonb_path_query(fields, '$.**.blob') #>> '{}' FROM ticket WHERE fields::text LIKE '%"blob"%') named
            WHERE NOT EXISTS (SELECT 1 FROM blob b WHERE b.hash = named.hash)"#;
        let row = sqlx::query(sql).fetch_one(&mut self.0).await.map_err(error)?;
        row.try_get::<i64, _>(0).map(|n| n as u64).map_err(error)
    }

    async fn finish(&mut self) -> Result<()> {
        for table in TABLES.iter().filter(|t| t.columns[0].0 == "id") {
            let name = table.name;
            let sql = format!(
                "SELECT setval(s, (SELECT coalesce(max(id), 0) + 1 FROM \"{name}\"), false) FROM pg_get_serial_sequence('{name}', 'id') s WHERE s IS NOT NULL"
            );
            execute(&mut self.0, sql).await?;
        }
        // Words are not moved, they are made again.
        execute(&mut self.0, format!("BEGIN; UPDATE search_built SET up_to = 0; DROP TABLE {MARKER}; COMMIT")).await?;
        execute(&mut self.0, "ANALYZE").await
    }
}
