//! The ids of names and people, as SQLite has them.

use rusqlite::Connection;
use std::collections::HashSet;
pub use vorgang_store::names::NameIds;
use vorgang_store::names::{Known, is_plain};

/// Indexes of own fields begin with this.
const FIELD_INDEX: &str = "own_field_";

/// Those of these fields are made where they are missing, all others are dropped.
pub fn index_fields(connection: &Connection, wanted: &[String]) -> rusqlite::Result<()> {
    let present = indexed_fields(connection)?;
    for field in present.iter().filter(|f| !wanted.contains(f)) {
        connection.execute_batch(&format!("DROP INDEX {FIELD_INDEX}{field}"))?;
    }
    for field in wanted.iter().filter(|f| !present.contains(*f)).filter(|f| is_plain(f)) {
        connection.execute_batch(&format!("CREATE INDEX {FIELD_INDEX}{field} ON ticket (fields ->> '$.{field}')"))?;
    }
    Ok(())
}

fn indexed_fields(connection: &Connection) -> rusqlite::Result<HashSet<String>> {
    let mut statement = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'ticket'")?;
    let names = statement.query_map([], |r| r.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(names.iter().filter_map(|n| n.strip_prefix(FIELD_INDEX)).map(str::to_owned).collect())
}

/// Reads everything again: after names or people were added.
pub fn reload(names: &NameIds, connection: &Connection) -> rusqlite::Result<()> {
    let mark = names.mark();
    let mut known = Known::default();
    let mut statement = connection.prepare("SELECT id, kind, name FROM name")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        known.name(row.get(0)?, row.get(1)?, row.get(2)?);
    }
    let mut statement = connection.prepare("SELECT id, login FROM person")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        known.person(row.get(0)?, row.get(1)?);
    }
    known.indexed = indexed_fields(connection)?;
    names.replace(known, mark);
    Ok(())
}

/// The id of an audience key, made inside the writer's transaction where it is new. A rolled back transaction
/// leaves the memory as it was: the caller remembers only after the commit.
pub fn audience(names: &NameIds, connection: &Connection, key: &str, fresh: &mut Vec<(String, i64)>) -> rusqlite::Result<i64> {
    if let Some(id) = names.find("audience", key) {
        return Ok(id);
    }
    let id = connection.query_row(
        "INSERT INTO name (kind, name) VALUES ('audience', ?1) ON CONFLICT (kind, name) DO UPDATE SET name = name RETURNING id",
        [key],
        |r| r.get(0),
    )?;
    fresh.push((key.to_owned(), id));
    Ok(id)
}
