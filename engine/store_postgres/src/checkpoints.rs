//! Checkpoints of the history, and backups that were made.

use crate::arg::{Arg, args};
use crate::rows::{error, hash, micros, time};
use crate::store::PostgresStore;
use async_trait::async_trait;
use sqlx::Row;
use sqlx::postgres::PgRow;
use vorgang_core::chain::Hash;
use vorgang_core::ids::TicketId;
use vorgang_store::Result;
use vorgang_store::checkpoints::{Backup, Checkpoint, Checkpoints, Head};

const CHECKPOINT: &str = "id, at, up_to, leaves, root, previous, key, signature";

fn checkpoint(r: &PgRow) -> std::result::Result<Checkpoint, sqlx::Error> {
    Ok(Checkpoint {
        id: r.try_get(0)?,
        at: time(r.try_get(1)?)?,
        up_to: r.try_get(2)?,
        leaves: r.try_get(3)?,
        root: hash(r.try_get(4)?)?,
        previous: hash(r.try_get(5)?)?,
        key: r.try_get(6)?,
        signature: r.try_get(7)?,
    })
}

#[async_trait]
impl Checkpoints for PostgresStore {
    async fn heads_written(&self, after: i64, limit: u32) -> Result<Vec<Head>> {
        let sql = "SELECT id, ticket_id, version, hash FROM history WHERE id > $1 ORDER BY id LIMIT $2";
        let head = |r: &PgRow| -> std::result::Result<Head, sqlx::Error> {
            Ok(Head {
                id: r.try_get(0)?,
                ticket: r.try_get(1).map(TicketId)?,
                version: r.try_get::<i64, _>(2)? as u64,
                hash: hash(r.try_get(3)?)?,
            })
        };
        self.server.ask(sql, args![after, limit]).await?.iter().map(|r| head(r).map_err(error)).collect()
    }

    async fn history_hashes(&self, of: &[(i64, u64)]) -> Result<Vec<(i64, u64, Hash)>> {
        let (tickets, versions): (Vec<i64>, Vec<i64>) = of.iter().map(|(t, v)| (*t, *v as i64)).unzip();
        let sql = "SELECT h.ticket_id, h.version, h.hash FROM unnest($1::bigint[], $2::bigint[]) x (a, b) \
             JOIN history h ON h.ticket_id = a AND h.version = b ORDER BY 1, 2";
        let row = |r: &PgRow| Ok((r.try_get(0)?, r.try_get::<i64, _>(1)? as u64, hash(r.try_get(2)?)?));
        self.server.ask(sql, args![tickets, versions]).await?.iter().map(|r| row(r).map_err(error)).collect()
    }

    async fn checkpoint_list(&self, after: i64, limit: u32) -> Result<Vec<Checkpoint>> {
        let sql = format!("SELECT {CHECKPOINT} FROM checkpoint WHERE id > $1 ORDER BY id LIMIT $2");
        self.server.ask(sql, args![after, limit]).await?.iter().map(|r| checkpoint(r).map_err(error)).collect()
    }

    async fn checkpoint_latest(&self, limit: u32) -> Result<Vec<Checkpoint>> {
        let sql = format!("SELECT {CHECKPOINT} FROM checkpoint ORDER BY id DESC LIMIT $1");
        self.server.ask(sql, args![limit]).await?.iter().map(|r| checkpoint(r).map_err(error)).collect()
    }

    async fn checkpoint_add(&self, new: Checkpoint) -> Result<()> {
        let sql = format!("INSERT INTO checkpoint ({CHECKPOINT}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
        let bytes =
            [Arg::Bytes(new.leaves), Arg::from(&new.root), Arg::from(&new.previous), Arg::Bytes(new.key), Arg::Bytes(new.signature)];
        let all = args![new.id, micros(new.at), new.up_to].into_iter().chain(bytes).collect();
        self.server.tell(sql, all).await.map(|_| ())
    }

    async fn backup_add(&self, new: Backup) -> Result<()> {
        let sql = "INSERT INTO backup (at, file, bytes, history, verified) VALUES ($1, $2, $3, $4, $5)";
        self.server.tell(sql, args![micros(new.at), new.file, new.bytes, new.history, new.verified]).await.map(|_| ())
    }

    async fn backup_latest(&self) -> Result<Option<Backup>> {
        let sql = "SELECT at, file, bytes, history, verified FROM backup WHERE verified ORDER BY id DESC LIMIT 1";
        let row = |r: &PgRow| {
            let (bytes, history) = (r.try_get::<i64, _>(2)? as u64, r.try_get::<i64, _>(3)? as u64);
            Ok(Backup { at: time(r.try_get(0)?)?, file: r.try_get(1)?, bytes, history, verified: r.try_get(4)? })
        };
        let rows = self.server.ask(sql, vec![]).await?;
        rows.first().map(|r| row(r).map_err(error)).transpose()
    }
}
