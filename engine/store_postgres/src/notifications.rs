//! Notifications.

use crate::arg::{Arg, args};
use crate::rows::{error, micros, text, time};
use crate::store::PostgresStore;
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;
use vorgang_core::ids::TicketNumber;
use vorgang_core::people::Settings;
use vorgang_store::notifications::{NotificationRow, Notifications};
use vorgang_store::{Result, StoreError};

impl PostgresStore {
    pub(crate) async fn count(&self, sql: &'static str, args: Vec<Arg>) -> Result<u64> {
        let rows = self.server.ask(sql, args).await?;
        rows[0].try_get::<i64, _>(0).map(|n| n as u64).map_err(error)
    }
}

#[async_trait]
impl Notifications for PostgresStore {
    async fn notification_list(&self, login: &str, limit: u32) -> Result<Vec<NotificationRow>> {
        let Some(person) = self.person_id(login).await? else { return Ok(vec![]) };
        let sql = "SELECT id, number, name, subject, body, at, read IS NOT NULL, instead_of FROM notification \
             WHERE person_id = $1 ORDER BY id DESC LIMIT $2";
        let mut all = vec![];
        for r in self.server.ask(sql, args![person, limit]).await? {
            all.push(NotificationRow {
                id: r.try_get(0).map_err(error)?,
                number: r.try_get::<String, _>(1).map(TicketNumber::from).map_err(error)?,
                name: r.try_get(2).map_err(error)?,
                subject: r.try_get(3).map_err(error)?,
                body: r.try_get(4).map_err(error)?,
                at: r.try_get(5).and_then(time).map_err(error)?,
                read: r.try_get(6).map_err(error)?,
                instead_of: r.try_get(7).map_err(error)?,
            });
        }
        Ok(all)
    }

    async fn notification_unread(&self, login: &str) -> Result<u64> {
        let Some(person) = self.person_id(login).await? else { return Ok(0) };
        self.count("SELECT count(*) FROM notification WHERE person_id = $1 AND read IS NULL", args![person]).await
    }

    async fn notifications_read(&self, login: &str, id: Option<i64>, at: Timestamp) -> Result<Option<String>> {
        let Some(person) = self.person_id(login).await? else { return Ok(None) };
        let sql = "UPDATE notification SET read = $3 WHERE person_id = $1 AND ($2::bigint IS NULL OR id = $2) AND read IS NULL";
        self.server.tell(sql, args![person, id, micros(at)]).await?;
        let rows = self.server.ask("SELECT number FROM notification WHERE person_id = $1 AND id = $2", args![person, id]).await?;
        rows.first().map(|r| r.try_get(0).map_err(error)).transpose()
    }

    async fn settings_save(&self, login: &str, settings: &Settings) -> Result<()> {
        let sql = "WITH mark AS (UPDATE mark SET value = value + 1 WHERE name = 'people') \
             UPDATE person SET settings = $2 WHERE login = $1 RETURNING 1";
        let changed = self.server.tell(sql, args![login, text(settings)?]).await?;
        if changed.is_empty() { Err(StoreError::NotFound) } else { Ok(()) }
    }
}
