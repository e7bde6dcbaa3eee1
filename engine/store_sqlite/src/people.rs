//! The people of the desk.

use crate::open::SqliteStore;
use crate::rows::{error, person_row};
use crate::tables::desk_events;
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use vorgang_core::people::{Person, SYSTEM};
use vorgang_store::{People, Result, StoreError};

#[async_trait]
impl People for SqliteStore {
    async fn person_list(&self) -> Result<Vec<Person>> {
        let c = self.reader();
        let mut roles: std::collections::HashMap<i64, Vec<String>> = std::collections::HashMap::new();
        let mut statement = c.prepare_cached("SELECT person_id, role FROM person_role ORDER BY role").map_err(error)?;
        let mut rows = statement.query([]).map_err(error)?;
        while let Some(r) = rows.next().map_err(error)? {
            roles.entry(r.get(0).map_err(error)?).or_default().push(r.get(1).map_err(error)?);
        }
        let sql = "SELECT p.id, p.login, p.name, p.email, p.kind, n.name, p.language, p.active, p.settings FROM person p LEFT JOIN name n ON n.id = p.company_id";
        let mut statement = c.prepare_cached(sql).map_err(error)?;
        let row = |r: &rusqlite::Row| {
            let id: i64 = r.get(0)?;
            person_row(r, 1, roles.get(&id).cloned().unwrap_or_default())
        };
        statement.query_map([], row).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
    }

    async fn person_save(&self, people: &[Person], happens: Option<Timestamp>) -> Result<()> {
        let people: Vec<Person> = people.iter().filter(|p| p.login != SYSTEM).cloned().collect();
        let save = move |c: &Connection| {
            for p in &people {
                if let Some(at) = happens
                    && let Some(event) = desk_events::of_person(c, p)?
                {
                    desk_events::add(c, &event, at)?;
                }
                let company: Option<i64> = match &p.company {
                    Some(name) => {
                        let sql = "INSERT INTO name (kind, name) VALUES ('company', ?1) ON CONFLICT (kind, name) DO UPDATE SET name = name RETURNING id";
                        Some(c.query_row(sql, [name], |r| r.get(0))?)
                    }
                    None => None,
                };
                let id: i64 = c.query_row(
                    "INSERT INTO person (login, name, email, kind, company_id, language, active) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
                     ON CONFLICT (login) DO UPDATE SET name = ?2, email = ?3, kind = ?4, company_id = ?5, language = ?6, active = ?7 RETURNING id",
                    params![p.login.as_str(), p.name, p.email, p.kind.word(), company, p.language, p.active],
                    |r| r.get(0),
                )?;
                c.execute("DELETE FROM person_role WHERE person_id = ?1", [id])?;
                for role in &p.roles {
                    c.execute("INSERT OR IGNORE INTO person_role (person_id, role) VALUES (?1, ?2)", params![id, role])?;
                }
            }
            Ok(0)
        };
        self.write(true, save).await.map(|_| ())
    }

    async fn password_set(&self, login: &str, hash: Option<&str>) -> Result<()> {
        let (login, hash) = (login.to_owned(), hash.map(str::to_owned));
        let n = self
            .write(false, move |c| c.execute("UPDATE person SET password = ?2 WHERE login = ?1", params![login, hash]).map(|n| n as i64))
            .await?;
        if n == 1 { Ok(()) } else { Err(StoreError::NotFound) }
    }

    async fn password_get(&self, login: &str) -> Result<Option<String>> {
        let sql = "SELECT password FROM person WHERE login = ?1 AND active = 1";
        self.reader().query_row(sql, [login], |r| r.get(0)).optional().map(Option::flatten).map_err(error)
    }
}
