//! The people of the desk.

use crate::arg::args;
use crate::rows::{self, committed, error, micros, person};
use crate::server::bounded;
use crate::store::PostgresStore;
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{PgConnection, Row};
use vorgang_core::desk_event::DeskEvent;
use vorgang_core::ids::Login;
use vorgang_core::people::{Person, SYSTEM};
use vorgang_store::{People, Result, StoreError};

/// What happened to the desk, for the handlers.
pub async fn happened(c: &mut PgConnection, event: &DeskEvent, at: Timestamp) -> Result<()> {
    let sql = "INSERT INTO desk_event (at, event) VALUES ($1, $2)";
    sqlx::query(sql).bind(micros(at)).bind(rows::text(event)?).execute(c).await.map(|_| ()).map_err(error)
}

impl PostgresStore {
    pub(crate) async fn people(&self) -> Result<Vec<Person>> {
        let sql = "SELECT p.login, p.name, p.email, p.kind, n.name, p.language, p.active, p.settings, \
             coalesce((SELECT array_agg(role ORDER BY role COLLATE \"C\") FROM person_role r WHERE r.person_id = p.id), '{}') \
             FROM person p LEFT JOIN name n ON n.id = p.company_id ORDER BY p.id";
        let mut all = vec![];
        for r in self.server.ask(sql, vec![]).await? {
            all.push(person(&r, r.try_get::<String, _>(0).map(Login::from).map_err(error)?)?);
        }
        Ok(all)
    }

    pub(crate) async fn people_save(&self, people: &[Person], happens: Option<Timestamp>) -> Result<()> {
        let mut tx = self.server.begin().await?;
        // One after the other: what is changed is compared with what was.
        let sql = "UPDATE mark SET value = value + 1 WHERE name = 'people'";
        sqlx::query(sql).execute(&mut *tx).await.map_err(error)?;
        for p in people.iter().filter(|p| p.login != SYSTEM) {
            if let Some(at) = happens
                && let Some(event) = event(&mut tx, p).await?
            {
                happened(&mut tx, &event, at).await?;
            }
            save(&mut tx, p).await.map_err(error)?;
        }
        committed(tx).await?;
        self.reload().await
    }

    /// The id of a person, who may have come on another node.
    pub(crate) async fn person_id(&self, login: &str) -> Result<Option<i64>> {
        if let Some(id) = self.names.person(login) {
            return Ok(Some(id));
        }
        let rows = self.server.ask("SELECT id FROM person WHERE login = $1", args![login]).await?;
        rows.first().map(|r| r.try_get(0).map_err(error)).transpose()
    }
}

/// What saving this person means; nothing where it changes nothing.
pub async fn event(c: &mut PgConnection, new: &Person) -> Result<Option<DeskEvent>> {
    let sql = "SELECT p.name, p.email, p.kind, p.active, (SELECT name FROM name WHERE id = p.company_id), \
         coalesce((SELECT array_agg(role ORDER BY role COLLATE \"C\") FROM person_role r WHERE r.person_id = p.id), '{}') \
         FROM person p WHERE p.login = $1";
    let Some(r) = sqlx::query(sql).bind(&*new.login).fetch_optional(c).await.map_err(error)? else {
        return Ok(Some(DeskEvent::PersonCreated { person: new.into() }));
    };
    let mut wanted = new.roles.clone();
    wanted.sort();
    wanted.dedup();
    let text = |at: usize| r.try_get::<String, _>(at).map_err(error);
    let same = text(0)? == new.name
        && text(1)? == new.email
        && text(2)? == new.kind.word()
        && r.try_get::<bool, _>(3).map_err(error)? == new.active
        && r.try_get::<Option<String>, _>(4).map_err(error)? == new.company
        && r.try_get::<Vec<String>, _>(5).map_err(error)? == wanted;
    Ok((!same).then(|| DeskEvent::PersonChanged { person: new.into() }))
}

pub async fn save(c: &mut PgConnection, p: &Person) -> std::result::Result<(), sqlx::Error> {
    let company: Option<i64> = match &p.company {
        Some(name) => {
            let sql = "INSERT INTO name (kind, name) VALUES ('company', $1) ON CONFLICT (kind, name) DO UPDATE SET name = excluded.name RETURNING id";
            Some(sqlx::query(sql).bind(name).fetch_one(&mut *c).await?.try_get(0)?)
        }
        None => None,
    };
    let sql = "INSERT INTO person (login, name, email, kind, company_id, language, active) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (login) DO UPDATE SET name = $2, email = $3, kind = $4, company_id = $5, language = $6, active = $7 RETURNING id";
    let new =
        sqlx::query(sql).bind(&*p.login).bind(&p.name).bind(&p.email).bind(p.kind.word()).bind(company).bind(&p.language).bind(p.active);
    let id: i64 = new.fetch_one(&mut *c).await?.try_get(0)?;
    sqlx::query("DELETE FROM person_role WHERE person_id = $1").bind(id).execute(&mut *c).await?;
    let sql = "INSERT INTO person_role (person_id, role) SELECT $1, r FROM unnest($2::text[]) r ON CONFLICT DO NOTHING";
    sqlx::query(sql).bind(id).bind(&p.roles).execute(&mut *c).await?;
    Ok(())
}

#[async_trait]
impl People for PostgresStore {
    async fn person_list(&self) -> Result<Vec<Person>> {
        self.people().await
    }

    async fn person_save(&self, people: &[Person], happens: Option<Timestamp>) -> Result<()> {
        bounded(self.people_save(people, happens)).await
    }

    async fn password_set(&self, login: &str, hash: Option<&str>) -> Result<()> {
        let changed = self.server.tell("UPDATE person SET password = $2 WHERE login = $1 RETURNING 1", args![login, hash]).await?;
        if changed.is_empty() { Err(StoreError::NotFound) } else { Ok(()) }
    }

    async fn password_get(&self, login: &str) -> Result<Option<String>> {
        let rows = self.server.ask("SELECT password FROM person WHERE login = $1 AND active", args![login]).await?;
        rows.first().map_or(Ok(None), |r| r.try_get(0).map_err(error))
    }
}
