//! Integer ids of names and people, kept in memory: rows hold ids, the engine speaks names.

use rusqlite::Connection;
use std::collections::{HashMap, HashSet};
use std::sync::RwLock;
use vorgang_store::{Result, StoreError};

#[derive(Default)]
pub struct NameIds {
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    ids: HashMap<(String, String), i64>,
    names: HashMap<i64, String>,
    person_ids: HashMap<String, i64>,
    people: HashMap<i64, String>,
    /// Fields that have an index.
    indexed: HashSet<String>,
}

/// Indexes of own fields begin with this.
const FIELD_INDEX: &str = "own_field_";

/// Those of these fields are made where they are missing, all others are dropped.
pub fn index_fields(connection: &Connection, wanted: &[String]) -> rusqlite::Result<()> {
    let present = indexed_fields(connection)?;
    for field in present.iter().filter(|f| !wanted.contains(f)) {
        connection.execute_batch(&format!("DROP INDEX {FIELD_INDEX}{field}"))?;
    }
    // Names of definitions are letters, digits and `_`; nothing else becomes part of a statement.
    let plain = |f: &&String| f.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    for field in wanted.iter().filter(|f| !present.contains(*f)).filter(plain) {
        connection.execute_batch(&format!("CREATE INDEX {FIELD_INDEX}{field} ON ticket (fields ->> '$.{field}')"))?;
    }
    Ok(())
}

fn indexed_fields(connection: &Connection) -> rusqlite::Result<HashSet<String>> {
    let mut statement = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'ticket'")?;
    let names = statement.query_map([], |r| r.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(names.iter().filter_map(|n| n.strip_prefix(FIELD_INDEX)).map(str::to_owned).collect())
}

impl NameIds {
    /// Reads everything again: after names or people were added.
    pub fn reload(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut inner = Inner::default();
        let mut statement = connection.prepare("SELECT id, kind, name FROM name")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (id, kind, name): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            inner.names.insert(id, name.clone());
            inner.ids.insert((kind, name), id);
        }
        let mut statement = connection.prepare("SELECT id, login FROM person")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (id, login): (i64, String) = (row.get(0)?, row.get(1)?);
            inner.people.insert(id, login.clone());
            inner.person_ids.insert(login, id);
        }
        inner.indexed = indexed_fields(connection)?;
        *self.write() = inner;
        Ok(())
    }

    /// Has the field an index of its own?
    pub fn indexed(&self, field: &str) -> bool {
        self.read().indexed.contains(field)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub fn find(&self, kind: &str, name: &str) -> Option<i64> {
        self.read().ids.get(&(kind.to_owned(), name.to_owned())).copied()
    }

    /// The id of a name that must exist.
    pub fn id(&self, kind: &str, name: &str) -> Result<i64> {
        self.find(kind, name).ok_or_else(|| StoreError::Corrupt(format!("no {kind} is called `{name}`")))
    }

    pub fn name(&self, id: i64) -> String {
        self.read().names.get(&id).cloned().unwrap_or_else(|| format!("#{id}"))
    }

    pub fn person(&self, login: &str) -> Option<i64> {
        self.read().person_ids.get(login).copied()
    }

    pub fn login(&self, id: i64) -> String {
        self.read().people.get(&id).cloned().unwrap_or_else(|| format!("#{id}"))
    }

    /// The id of an audience key, made inside the writer's transaction where it is new. A rolled back transaction
    /// leaves the memory as it was: the caller remembers only after the commit.
    pub fn audience(&self, connection: &Connection, key: &str, fresh: &mut Vec<(String, i64)>) -> rusqlite::Result<i64> {
        if let Some(id) = self.find("audience", key) {
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

    pub fn remember_audience(&self, fresh: Vec<(String, i64)>) {
        let mut inner = self.write();
        for (key, id) in fresh {
            inner.names.insert(id, key.clone());
            inner.ids.insert(("audience".into(), key), id);
        }
    }
}
