//! SQLite passes the suite.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use vorgang_store::Store;
use vorgang_store_sqlite::SqliteStore;

static COUNT: AtomicU32 = AtomicU32::new(0);

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_conforms() {
    let folder = std::env::temp_dir().join(format!("vorgang-conformance-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let make = || -> Arc<dyn Store> {
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        Arc::new(SqliteStore::open(&folder.join(format!("{n}.db"))).expect("a store"))
    };
    vorgang_store::conformance::run_suite(make).await;
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

#[test]
fn a_database_is_held_by_one() {
    let folder = std::env::temp_dir().join(format!("vorgang-held-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("x.db");
    let first = SqliteStore::open(&path).expect("a store");
    assert!(matches!(SqliteStore::open(&path), Err(vorgang_store::StoreError::Conflict)));
    assert!(SqliteStore::open_read_only(&path).is_ok(), "others may read");
    drop(first);
    std::fs::write(folder.join("y.db"), b"this is not a database, but long enough to look like one at first").expect("a file");
    assert!(matches!(SqliteStore::open(&folder.join("y.db")), Err(vorgang_store::StoreError::Corrupt(_))));
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_clocks_follow_from_their_state() {
    use vorgang_store::conformance::clocks::{COLUMNS, COLUMNS_SQL, write_one_of_each};
    let folder = std::env::temp_dir().join(format!("vorgang-clocks-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("x.db");
    write_one_of_each(&SqliteStore::open(&path).expect("a store")).await;
    let database = rusqlite::Connection::open(&path).expect("the database");
    let mut rows = database.prepare(COLUMNS_SQL).expect("a statement");
    let rows: Vec<String> = rows.query_map([], |r| r.get(0)).and_then(Iterator::collect).expect("rows");
    assert_eq!(rows, COLUMNS);
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

/// A database of 27 steps has clocks of every kind; the next step names them.
#[test]
fn clocks_of_an_older_schema_are_named() {
    const BEFORE: usize = 27;
    let folder = std::env::temp_dir().join(format!("vorgang-older-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("x.db");
    let database = rusqlite::Connection::open(&path).expect("a database");
    vorgang_schema::SQLITE_MIGRATIONS[..BEFORE].iter().for_each(|step| database.execute_batch(step).expect("a step"));
    database.pragma_update(None, "user_version", BEFORE as i64).expect("a version");
    for (seq, work, kind, calendar) in [
        (1, 0, r#"{"timer":"pending"}"#, "null"),
        (2, 7, r#"{"timer":"activity","index":1}"#, r#""office""#),
        (3, 0, r#"{"timer":"group","instance":4,"group":2,"index":0}"#, "null"),
    ] {
        let state = format!(r#"{{"seq":{seq},"work":{work},"kind":{kind},"calendar":{calendar}}}"#);
        let insert = "INSERT INTO timer (ticket_id, seq, work, epoch, due, state) VALUES (1, ?1, ?2, 0, 5, ?3)";
        database.execute(insert, (seq, work, state)).expect("a clock");
    }
    drop(database);
    drop(SqliteStore::open(&path).expect("it is brought up to date"));
    let database = rusqlite::Connection::open(&path).expect("the database");
    let mut rows = database.prepare(vorgang_store::conformance::clocks::COLUMNS_SQL).expect("a statement");
    let rows: Vec<String> = rows.query_map([], |r| r.get(0)).and_then(Iterator::collect).expect("rows");
    assert_eq!(rows, ["ticket 0 pending - due ", "work 7 timers[1] office due ", "group 4 groups[2].timers[0] - due "]);
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

/// The list by which databases are moved has every table with every column.
#[test]
fn every_table_is_in_the_list() {
    let folder = std::env::temp_dir().join(format!("vorgang-tables-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    drop(SqliteStore::open(&folder.join("x.db")).expect("a store"));
    let c = rusqlite::Connection::open(folder.join("x.db")).expect("the database");
    let list = |sql: &str| -> Vec<String> {
        let mut statement = c.prepare(sql).expect("a query");
        statement.query_map([], |r| r.get(0)).and_then(Iterator::collect).expect("names")
    };
    // What is made anew, or says something of this one database.
    let own = ["search_built", "schema_needs", "shown_html"];
    let mut there = list("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'search%' ORDER BY name");
    there.retain(|t| !own.contains(&t.as_str()));
    let mut listed: Vec<String> = vorgang_schema::tables::TABLES.iter().map(|t| t.name.to_owned()).collect();
    listed.sort();
    assert_eq!(there, listed);
    for table in vorgang_schema::tables::TABLES {
        let columns = list(&format!("SELECT name FROM pragma_table_info('{}') ORDER BY name", table.name));
        let mut mine: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
        mine.sort_unstable();
        assert_eq!(columns, mine, "{}", table.name);
    }
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}
