//! What PostgreSQL says of itself.

use crate::arg::args;
use crate::node::NOW;
use crate::rows::error;
use crate::store::PostgresStore;
use async_trait::async_trait;
use sqlx::Row;
use vorgang_store::Result;
use vorgang_store::health::{Health, Level, Sign};

/// A clock that is further from the database's is worth a word, in microseconds.
const SKEW_MAX: i64 = 2_000_000;

/// Connections that should be free.
const FREE_MIN: i64 = 12;

#[async_trait]
impl Health for PostgresStore {
    async fn ping(&self) -> Result<()> {
        self.server.ask("SELECT 1", vec![]).await.map(|_| ())
    }

    async fn examine(&self) -> Result<Vec<Sign>> {
        let asked = jiff::Timestamp::now().as_microsecond();
        let sql = format!(
            "SELECT current_setting('server_version'), (SELECT max(version) FROM schema_version), {NOW}, current_setting('fsync'), \
             current_setting('full_page_writes'), current_setting('data_checksums'), current_setting('synchronous_standby_names'), \
             (SELECT count(*) FROM pg_index i WHERE i.indrelid = 'ticket'::regclass AND NOT i.indisvalid), \
             current_setting('max_connections')::bigint - (SELECT count(*) FROM pg_stat_activity), \
             (SELECT count(*) FROM node WHERE until >= {NOW}), pg_database_size(current_database()), \
             (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum'))"
        );
        let rows = self.server.ask(sql, args![]).await?;
        let answered = jiff::Timestamp::now().as_microsecond();
        let text = |at: usize| rows[0].try_get::<String, _>(at).map_err(error);
        let int = |at: usize| rows[0].try_get::<i64, _>(at).map_err(error);
        let skew = int(2)? - (asked + answered) / 2;
        let seconds = skew as f64 / 1e6;
        let (standbys, in_step) = (text(6)?, int(11)?);
        let mut signs = vec![
            Sign::new("database", Level::Good, format!("PostgreSQL {}, schema {}, {} MB", text(0)?, int(1)?, int(10)? / 1_000_000)),
            Sign::judged(
                "durability",
                text(3)? == "on" && text(4)? == "on",
                Level::Bad,
                "fsync and full_page_writes are on",
                "fsync or full_page_writes is off: what is acknowledged may be lost with the power",
            ),
            Sign::judged(
                "checksums",
                text(5)? == "on",
                Level::Warning,
                "on",
                "off: a page that the disk changes is not noticed (pg_checksums)",
            ),
            Sign::judged(
                "clock",
                skew.abs() < SKEW_MAX,
                Level::Warning,
                format!("{seconds:+.3} s from the database's"),
                format!("{seconds:+.1} s from the database's, whose time is the one that counts: mend this machine's clock"),
            ),
            Sign::judged(
                "indexes",
                int(7)? == 0,
                Level::Warning,
                "all are ready",
                format!("{} of the tickets are not ready; apply again", int(7)?),
            ),
            Sign::judged(
                "connections",
                int(8)? >= FREE_MIN,
                Level::Warning,
                format!("{} free", int(8)?),
                format!("only {} are free", int(8)?),
            ),
            Sign::new("nodes", Level::Good, format!("{} there now", int(9)?)),
        ];
        signs.push(if standbys.is_empty() {
            Sign::new("standby", Level::Warning, "none confirms what is committed: with this server its newest tickets would be lost")
        } else {
            let missing = format!("`{standbys}` has to confirm, and nobody does: nothing can be written");
            Sign::judged("standby", in_step > 0, Level::Bad, format!("{in_step} confirm what is committed"), missing)
        });
        let silent = self.server.silent().await;
        signs.push(Sign::judged("hosts", silent.is_empty(), Level::Bad, "every server that the URL names answers", silent.join("; ")));
        Ok(signs)
    }
}
