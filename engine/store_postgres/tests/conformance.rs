//! PostgreSQL passes the suite.

use std::sync::Arc;
use vorgang_store::Store;
use vorgang_store_postgres::PostgresStore;
use vorgang_testbed::{Database, Folder, postgres};

#[tokio::test(flavor = "multi_thread")]
async fn postgres_conforms() {
    if postgres().is_none() {
        return eprintln!("SKIPPED: VORGANG_TEST_POSTGRES names no server");
    }
    let folder = Folder::new("conformance");
    let mut databases = vec![];
    for _ in 0..vorgang_store::conformance::CASES {
        let database = Database::new(&folder.0);
        let store = PostgresStore::open(&database.url).await.expect("a store");
        databases.push((database, Arc::new(store)));
    }
    let next = std::sync::atomic::AtomicUsize::new(0);
    let make = || -> Arc<dyn Store> { databases[next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)].1.clone() };
    vorgang_store::conformance::run_suite(make).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_clocks_follow_from_their_state() {
    use sqlx::{Connection, Row};
    use vorgang_store::conformance::clocks::{COLUMNS, COLUMNS_SQL, write_one_of_each};
    if postgres().is_none() {
        return eprintln!("SKIPPED: VORGANG_TEST_POSTGRES names no server");
    }
    let folder = Folder::new("clocks");
    let database = Database::new(&folder.0);
    write_one_of_each(&PostgresStore::open(&database.url).await.expect("a store")).await;
    let mut connection = sqlx::PgConnection::connect(&database.url).await.expect("a connection");
    let rows = sqlx::query(COLUMNS_SQL).fetch_all(&mut connection).await.expect("rows");
    let rows: Vec<String> = rows.iter().map(|r| r.get(0)).collect();
    assert_eq!(rows, COLUMNS);
}
