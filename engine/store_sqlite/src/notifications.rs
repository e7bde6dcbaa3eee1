//! Notifications.

use crate::open::SqliteStore;
use crate::reads::Kind;
use crate::rows::{error, micros, time};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use vorgang_core::ids::TicketNumber;
use vorgang_core::people::Settings;
use vorgang_store::notifications::{NotificationRow, Notifications};
use vorgang_store::{Result, StoreError};

fn collect<T>(rows: impl Iterator<Item = rusqlite::Result<T>>) -> Result<Vec<T>> {
    rows.collect::<rusqlite::Result<_>>().map_err(error)
}

#[async_trait]
impl Notifications for SqliteStore {
    async fn notification_list(&self, login: &str, limit: u32) -> Result<Vec<NotificationRow>> {
        let Some(person) = self.names.person(login) else { return Ok(vec![]) };
        self.read(Kind::Mail, |c| {
            let sql =
                "SELECT id, number, name, subject, body, at, read, instead_of FROM notification WHERE person_id = ?1 ORDER BY id DESC LIMIT ?2";
            let mut statement = c.prepare_cached(sql).map_err(error)?;
            let row = |r: &Row| {
                Ok(NotificationRow {
                    id: r.get(0)?,
                    number: r.get::<_, String>(1).map(TicketNumber::from)?,
                    name: r.get(2)?,
                    subject: r.get(3)?,
                    body: r.get(4)?,
                    at: time(r.get(5)?)?,
                    read: r.get::<_, Option<i64>>(6)?.is_some(),
                    instead_of: r.get(7)?,
                })
            };
            collect(statement.query_map(params![person, limit], row).map_err(error)?)
        })
        .await
    }

    async fn notification_unread(&self, login: &str) -> Result<u64> {
        let Some(person) = self.names.person(login) else { return Ok(0) };
        self.read(Kind::Mail, |c| {
            let mut statement =
                c.prepare_cached("SELECT count(*) FROM notification WHERE person_id = ?1 AND read IS NULL").map_err(error)?;
            statement.query_row([person], |r| r.get::<_, i64>(0)).map(|n| n as u64).map_err(error)
        })
        .await
    }

    async fn notifications_read(&self, login: &str, id: Option<i64>, at: Timestamp) -> Result<Option<String>> {
        let Some(person) = self.names.person(login) else { return Ok(None) };
        let sql = "UPDATE notification SET read = ?3 WHERE person_id = ?1 AND (?2 IS NULL OR id = ?2) AND read IS NULL";
        self.write(false, move |c| c.execute(sql, params![person, id, micros(at)]).map(|n| n as i64)).await?;
        let sql = "SELECT number FROM notification WHERE person_id = ?1 AND id = ?2";
        self.reader().query_row(sql, params![person, id], |r| r.get(0)).optional().map_err(error)
    }

    async fn settings_save(&self, login: &str, settings: &Settings) -> Result<()> {
        let (login, settings) = (login.to_owned(), serde_json::to_string(settings).map_err(|e| StoreError::Corrupt(e.to_string()))?);
        let save =
            move |c: &Connection| c.execute("UPDATE person SET settings = ?2 WHERE login = ?1", params![login, settings]).map(|n| n as i64);
        if self.write(false, save).await? == 1 { Ok(()) } else { Err(StoreError::NotFound) }
    }
}
