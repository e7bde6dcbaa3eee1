//! Revisions of the definitions, and what still uses them.

use crate::names;
use crate::open::SqliteStore;
use crate::reads::Kind;
use crate::rows::{error, micros, time};
use crate::tables::desk_events;
use async_trait::async_trait;
use rusqlite::{Connection, params};
use vorgang_core::desk_event::DeskEvent;
use vorgang_store::{NewRevision, Result, Revision, Revisions};

#[async_trait]
impl Revisions for SqliteStore {
    async fn revision_latest(&self) -> Result<Option<Revision>> {
        self.revision_list(1).await.map(|l| l.into_iter().next())
    }

    async fn revision_list(&self, limit: u32) -> Result<Vec<Revision>> {
        let c = self.reader();
        let mut statement =
            c.prepare_cached("SELECT id, hash, files, applied, actor, counted FROM revision ORDER BY id DESC LIMIT ?1").map_err(error)?;
        let row = |r: &rusqlite::Row| {
            let applied = time(r.get(3)?)?;
            Ok(Revision { id: r.get(0)?, hash: r.get(1)?, files: r.get(2)?, applied, actor: r.get(4)?, counted: r.get(5)? })
        };
        statement.query_map([limit], row).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
    }

    async fn revision_counted(&self, id: i64) -> Result<()> {
        self.write(false, move |c| c.execute("UPDATE revision SET counted = 1 WHERE id = ?1", [id]).map(|n| n as i64)).await.map(|_| ())
    }

    async fn revision_add(&self, new: NewRevision) -> Result<i64> {
        let add = move |c: &Connection| {
            for (kind, name) in &new.names {
                c.execute("INSERT INTO name (kind, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING", params![kind, name])?;
            }
            for (hash, name, canonical) in &new.processes {
                let sql = "INSERT INTO process_revision (hash, name, canonical) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
                c.execute(sql, params![hash, name, canonical])?;
            }
            names::index_fields(c, &new.indexed)?;
            let revision: i64 = c.query_row(
                "INSERT INTO revision (hash, files, applied, actor) VALUES (?1, ?2, ?3, ?4) RETURNING id",
                params![new.hash, new.files, new.applied.map_or(0, micros), new.actor],
                |r| r.get(0),
            )?;
            if let Some(at) = new.applied.filter(|_| new.happens) {
                desk_events::add(c, &DeskEvent::DefinitionsApplied { revision, by: new.actor.clone().into() }, at)?;
            }
            Ok(revision)
        };
        self.write(true, add).await
    }

    async fn pinned_processes(&self) -> Result<Vec<String>> {
        self.read(Kind::Names, |c| {
            let sql = "SELECT canonical FROM process_revision WHERE hash IN (SELECT DISTINCT hash FROM instance WHERE outcome IS NULL)";
            let mut statement = c.prepare_cached(sql).map_err(error)?;
            statement.query_map([], |r| r.get(0)).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }

    async fn tickets_on_process(&self, hash: &str) -> Result<Vec<String>> {
        self.read(Kind::Names, |c| {
            let sql =
                "SELECT t.number FROM instance i JOIN ticket t ON t.id = i.ticket_id WHERE i.hash = ?1 AND i.outcome IS NULL LIMIT 10";
            let mut statement = c.prepare_cached(sql).map_err(error)?;
            statement.query_map([hash], |r| r.get(0)).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }

    async fn names_in_use(&self, kind: &str) -> Result<Vec<(String, Vec<String>)>> {
        let column = match kind {
            "queue" => "queue_id",
            "state" => "state_id",
            "type" => "type_id",
            "priority" => "priority_id",
            _ => return Ok(vec![]),
        };
        self.read(Kind::Names, |c| {
            let mut statement = c.prepare_cached("SELECT id, name FROM name WHERE kind = ?1").map_err(error)?;
            let names: Vec<(i64, String)> = statement
                .query_map([kind], |r| Ok((r.get(0)?, r.get(1)?)))
                .map_err(error)?
                .collect::<rusqlite::Result<_>>()
                .map_err(error)?;
            let mut statement = c.prepare_cached(&format!("SELECT number FROM ticket WHERE {column} = ?1 LIMIT 3")).map_err(error)?;
            let mut used = vec![];
            for (id, name) in names {
                let tickets: Vec<String> =
                    statement.query_map([id], |r| r.get(0)).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)?;
                if !tickets.is_empty() {
                    used.push((name, tickets));
                }
            }
            Ok(used)
        })
        .await
    }
}
