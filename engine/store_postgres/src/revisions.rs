//! Revisions of the definitions, and what still uses them.

use crate::arg::args;
use crate::rows::{committed, error, micros, texts, time};
use crate::store::PostgresStore;
use crate::{migrate, people};
use async_trait::async_trait;
use sqlx::Row;
use sqlx::postgres::PgRow;
use vorgang_core::desk_event::DeskEvent;
use vorgang_store::{NewRevision, Result, Revision, Revisions};

#[async_trait]
impl Revisions for PostgresStore {
    async fn revision_latest(&self) -> Result<Option<Revision>> {
        self.revision_list(1).await.map(|l| l.into_iter().next())
    }

    async fn revision_list(&self, limit: u32) -> Result<Vec<Revision>> {
        let sql = "SELECT id, hash, files, applied, actor, counted FROM revision ORDER BY id DESC LIMIT $1";
        let row = |r: &PgRow| {
            let applied = time(r.try_get(3)?)?;
            Ok(Revision {
                id: r.try_get(0)?,
                hash: r.try_get(1)?,
                files: r.try_get(2)?,
                applied,
                actor: r.try_get(4)?,
                counted: r.try_get(5)?,
            })
        };
        self.server.ask(sql, args![limit]).await?.iter().map(|r| row(r).map_err(error)).collect()
    }

    async fn revision_counted(&self, id: i64) -> Result<()> {
        self.server.tell("UPDATE revision SET counted = true WHERE id = $1", args![id]).await.map(|_| ())
    }

    async fn revision_add(&self, new: NewRevision) -> Result<i64> {
        let mut tx = self.server.begin().await?;
        let (kinds, all): (Vec<&str>, Vec<&str>) = new.names.iter().map(|(k, n)| (*k, n.as_str())).unzip();
        let sql = "INSERT INTO name (kind, name) SELECT a, b FROM unnest($1::text[], $2::text[]) x (a, b) \
             WHERE NOT EXISTS (SELECT 1 FROM name n WHERE n.kind = a AND n.name = b) ORDER BY a, b ON CONFLICT DO NOTHING";
        sqlx::query(sql).bind(kinds).bind(all).execute(&mut *tx).await.map_err(error)?;
        for (hash, name, canonical) in &new.processes {
            let sql = "INSERT INTO process_revision (hash, name, canonical) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            sqlx::query(sql).bind(hash).bind(name).bind(canonical).execute(&mut *tx).await.map_err(error)?;
        }
        let sql = "INSERT INTO revision (hash, files, applied, actor) VALUES ($1, $2, $3, $4) RETURNING id";
        let revision = sqlx::query(sql).bind(&new.hash).bind(&new.files).bind(new.applied.map_or(0, micros)).bind(&new.actor);
        let revision: i64 = revision.fetch_one(&mut *tx).await.and_then(|r| r.try_get(0)).map_err(error)?;
        if let Some(at) = new.applied.filter(|_| new.happens) {
            people::happened(&mut tx, &DeskEvent::DefinitionsApplied { revision, by: new.actor.clone().into() }, at).await?;
        }
        committed(tx).await?;
        migrate::index_fields(&self.server, &new.indexed).await?;
        self.reload().await?;
        Ok(revision)
    }

    async fn pinned_processes(&self) -> Result<Vec<String>> {
        let sql = "SELECT canonical FROM process_revision WHERE hash IN (SELECT DISTINCT hash FROM instance WHERE outcome IS NULL)";
        texts(&self.server.ask(sql, vec![]).await?)
    }

    async fn tickets_on_process(&self, hash: &str) -> Result<Vec<String>> {
        let sql = "SELECT t.number FROM instance i JOIN ticket t ON t.id = i.ticket_id WHERE i.hash = $1 AND i.outcome IS NULL LIMIT 10";
        texts(&self.server.ask(sql, args![hash]).await?)
    }

    async fn names_in_use(&self, kind: &str) -> Result<Vec<(String, Vec<String>)>> {
        let column = match kind {
            "queue" => "queue_id",
            "state" => "state_id",
            "type" => "type_id",
            "priority" => "priority_id",
            _ => return Ok(vec![]),
        };
        let sql = format!(
            "SELECT n.name, u.numbers FROM name n, LATERAL (SELECT array_agg(number) AS numbers FROM \
             (SELECT number FROM ticket WHERE {column} = n.id LIMIT 3) x) u WHERE n.kind = $1 AND u.numbers IS NOT NULL ORDER BY n.id"
        );
        let rows = self.server.ask(sql, args![kind]).await?;
        rows.iter().map(|r| Ok((r.try_get(0).map_err(error)?, r.try_get(1).map_err(error)?))).collect()
    }
}
