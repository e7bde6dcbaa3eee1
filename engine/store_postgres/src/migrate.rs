//! The schema: numbered steps, each in a transaction of its own, by one node at a time.

use crate::filter_sql::{number, string};
use crate::names::{FIELD_INDEX, indexed};
use crate::rows::error;
use crate::server::Server;
use crate::transfer;
use sqlx::{AssertSqlSafe, Connection, Row};
use vorgang_schema::POSTGRES_MIGRATIONS;
use vorgang_store::names::is_plain;
use vorgang_store::{Result, StoreError};

/// Whoever migrates holds this lock: the letters of `vorgang`.
const LOCK: i64 = 0x0076_6f72_6761_6e67;
const CONCURRENTLY: i64 = LOCK + 1;
const VERSION: &str = "SELECT coalesce(max(version), 0)::bigint FROM schema_version";

fn newer(version: i64) -> StoreError {
    let known = POSTGRES_MIGRATIONS.len();
    StoreError::Corrupt(format!("the database is of a newer version ({version}) than this program knows ({known})"))
}

/// Brings the database to the newest version.
pub async fn migrate(server: &Server) -> Result<()> {
    finished(server).await?;
    let known = POSTGRES_MIGRATIONS.len() as i64;
    match version(server).await? {
        Some(v) if v > known => return able(server, v).await,
        Some(v) if v == known => return Ok(()),
        Some(_) => {}
        None => {
            let tables =
                "SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v', 'm', 'f', 'p')";
            if !server.ask(tables, vec![]).await?.is_empty() && version(server).await?.is_none() {
                return Err(StoreError::Corrupt("it is the database of another program; make an empty one".into()));
            }
        }
    }
    let (mut connection, _) = server.connection().await?;
    for (i, step) in POSTGRES_MIGRATIONS.iter().enumerate() {
        let mut tx = connection.begin().await.map_err(error)?;
        let run = async |sql: &str, tx: &mut sqlx::PgConnection| sqlx::raw_sql(AssertSqlSafe(sql)).execute(tx).await.map_err(error);
        // As long as another node migrates.
        run("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0", &mut tx).await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *tx).await.map_err(error)?;
        run("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)", &mut tx).await?;
        let now: i64 = sqlx::query(VERSION).fetch_one(&mut *tx).await.and_then(|r| r.try_get(0)).map_err(error)?;
        if now > i as i64 {
            continue;
        }
        run(step, &mut tx).await?;
        sqlx::query("INSERT INTO schema_version (version) VALUES ($1)").bind(i as i64 + 1).execute(&mut *tx).await.map_err(error)?;
        tx.commit().await.map_err(error)?;
    }
    Ok(())
}

/// The version of a database that is only read.
pub async fn check_version(server: &Server) -> Result<()> {
    finished(server).await?;
    match version(server).await? {
        None => Err(StoreError::NotFound),
        Some(v) if v > POSTGRES_MIGRATIONS.len() as i64 => able(server, v).await,
        Some(_) => Ok(()),
    }
}

async fn finished(server: &Server) -> Result<()> {
    if transfer::begun(server).await? {
        return Err(StoreError::Unavailable("what was copied into it is not complete; copy again".into()));
    }
    Ok(())
}

/// A newer program has made it, and says whether this one can work with it.
async fn able(server: &Server, version: i64) -> Result<()> {
    let rows = server.ask("SELECT steps FROM schema_needs", vec![]).await?;
    let needs: i64 = rows.first().ok_or_else(|| newer(version))?.try_get(0).map_err(error)?;
    if needs <= POSTGRES_MIGRATIONS.len() as i64 { Ok(()) } else { Err(newer(version)) }
}

async fn version(server: &Server) -> Result<Option<i64>> {
    if server.ask("SELECT 1 WHERE to_regclass('schema_version') IS NOT NULL", vec![]).await?.is_empty() {
        return Ok(None);
    }
    let rows = server.ask(VERSION, vec![]).await?;
    rows[0].try_get(0).map(Some).map_err(error)
}

/// Indexes of own fields: those of these are made where they are missing, all others are dropped. Nobody who writes waits
/// for it, so it is no part of a transaction; one that broke off is made again.
pub async fn index_fields(server: &Server, wanted: &[String]) -> Result<()> {
    let ready = indexed(server).await?;
    if ready.len() == wanted.len() && wanted.iter().all(|f| ready.contains(f)) {
        return Ok(());
    }
    let (mut c, _) = server.connection().await?;
    let run = async |sql: String, c: &mut sqlx::PgConnection| sqlx::raw_sql(AssertSqlSafe(sql)).execute(c).await.map_err(error);
    run("SET statement_timeout = 0; SET lock_timeout = 0".into(), &mut c).await?;
    sqlx::query("SELECT pg_advisory_lock($1)").bind(CONCURRENTLY).execute(&mut c).await.map_err(error)?;
    let sql = "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         WHERE i.indrelid = 'ticket'::regclass AND c.relname LIKE 'own\\_field\\_%'";
    let mut present = vec![];
    for row in sqlx::query(sql).fetch_all(&mut c).await.map_err(error)? {
        present.push((row.try_get::<String, _>(0).map_err(error)?, row.try_get::<bool, _>(1).map_err(error)?));
    }
    let mut make = vec![];
    for field in wanted.iter().filter(|f| is_plain(f)) {
        let of = |sql: String| sql.replace("t.fields", "fields");
        let is = |kind: &str| format!("WHERE jsonb_typeof(fields -> '{field}') = '{kind}'");
        // The numbers' last: a field is indexed once both are there.
        make.push((format!("{FIELD_INDEX}{field}_t"), format!("({}) {}", of(string(field)), is("string"))));
        make.push((format!("{FIELD_INDEX}{field}_n"), format!("({}) {}", of(number(field)), is("number"))));
    }
    for (name, valid) in &present {
        if !valid || !make.iter().any(|(n, _)| n == name) {
            run(format!("DROP INDEX CONCURRENTLY IF EXISTS \"{name}\""), &mut c).await?;
        }
    }
    for (name, of) in make {
        if !present.iter().any(|(n, valid)| *n == name && *valid) {
            run(format!("CREATE INDEX CONCURRENTLY \"{name}\" ON ticket {of}"), &mut c).await?;
        }
    }
    Ok(())
}
