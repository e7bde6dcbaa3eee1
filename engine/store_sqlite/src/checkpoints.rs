//! Checkpoints of the history, and backups that were made.

use crate::open::SqliteStore;
use crate::reads::Kind;
use crate::rows::{error, hash, micros, time};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use vorgang_core::chain::Hash;
use vorgang_core::ids::TicketId;
use vorgang_store::Result;
use vorgang_store::checkpoints::{Backup, Checkpoint, Checkpoints, Head};

const CHECKPOINT: &str = "id, at, up_to, leaves, root, previous, key, signature";

fn checkpoint(r: &Row) -> rusqlite::Result<Checkpoint> {
    Ok(Checkpoint {
        id: r.get(0)?,
        at: time(r.get(1)?)?,
        up_to: r.get(2)?,
        leaves: r.get(3)?,
        root: hash(&r.get::<_, Vec<u8>>(4)?)?,
        previous: hash(&r.get::<_, Vec<u8>>(5)?)?,
        key: r.get(6)?,
        signature: r.get(7)?,
    })
}

fn collect<T>(rows: impl Iterator<Item = rusqlite::Result<T>>) -> Result<Vec<T>> {
    rows.collect::<rusqlite::Result<_>>().map_err(error)
}

#[async_trait]
impl Checkpoints for SqliteStore {
    async fn heads_written(&self, after: i64, limit: u32) -> Result<Vec<Head>> {
        self.read_patiently(Kind::Scan, |c| {
            let sql = "SELECT id, ticket_id, version, hash FROM history WHERE id > ?1 ORDER BY id LIMIT ?2";
            let mut statement = c.prepare_cached(sql).map_err(error)?;
            let row = |r: &Row| {
                let hash = hash(&r.get::<_, Vec<u8>>(3)?)?;
                Ok(Head { id: r.get(0)?, ticket: r.get(1).map(TicketId)?, version: r.get::<_, i64>(2)? as u64, hash })
            };
            collect(statement.query_map(params![after, limit], row).map_err(error)?)
        })
        .await
    }

    async fn history_hashes(&self, of: &[(i64, u64)]) -> Result<Vec<(i64, u64, Hash)>> {
        let c = self.reader();
        let mut statement = c.prepare_cached("SELECT hash FROM history WHERE ticket_id = ?1 AND version = ?2").map_err(error)?;
        let mut found = vec![];
        for (ticket, version) in of {
            let row = statement.query_row(params![ticket, *version as i64], |r| r.get::<_, Vec<u8>>(0)).optional().map_err(error)?;
            found.extend(row.map(|h| hash(&h)).transpose().map_err(error)?.map(|h| (*ticket, *version, h)));
        }
        Ok(found)
    }

    async fn checkpoint_list(&self, after: i64, limit: u32) -> Result<Vec<Checkpoint>> {
        let c = self.reader();
        let sql = format!("SELECT {CHECKPOINT} FROM checkpoint WHERE id > ?1 ORDER BY id LIMIT ?2");
        let mut statement = c.prepare_cached(&sql).map_err(error)?;
        collect(statement.query_map(params![after, limit], checkpoint).map_err(error)?)
    }

    async fn checkpoint_latest(&self, limit: u32) -> Result<Vec<Checkpoint>> {
        let c = self.reader();
        let mut statement = c.prepare_cached(&format!("SELECT {CHECKPOINT} FROM checkpoint ORDER BY id DESC LIMIT ?1")).map_err(error)?;
        collect(statement.query_map([limit], checkpoint).map_err(error)?)
    }

    async fn checkpoint_add(&self, new: Checkpoint) -> Result<()> {
        let sql = format!("INSERT INTO checkpoint ({CHECKPOINT}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
        let add = move |c: &Connection| {
            let values = params![new.id, micros(new.at), new.up_to, new.leaves, &new.root[..], &new.previous[..], new.key, new.signature];
            c.execute(&sql, values).map(|n| n as i64)
        };
        self.write(false, add).await.map(|_| ())
    }

    async fn backup_add(&self, new: Backup) -> Result<()> {
        let sql = "INSERT INTO backup (at, file, bytes, history, verified) VALUES (?1, ?2, ?3, ?4, ?5)";
        let add = move |c: &Connection| {
            c.execute(sql, params![micros(new.at), new.file, new.bytes as i64, new.history as i64, new.verified]).map(|n| n as i64)
        };
        self.write(false, add).await.map(|_| ())
    }

    async fn backup_latest(&self) -> Result<Option<Backup>> {
        let sql = "SELECT at, file, bytes, history, verified FROM backup WHERE verified = 1 ORDER BY id DESC LIMIT 1";
        let row = |r: &Row| {
            let at: Timestamp = time(r.get(0)?)?;
            let (bytes, history) = (r.get::<_, i64>(2)? as u64, r.get::<_, i64>(3)? as u64);
            Ok(Backup { at, file: r.get(1)?, bytes, history, verified: r.get(4)? })
        };
        self.reader().query_row(sql, [], row).optional().map_err(error)
    }
}
