//! The log of security, and changes of people.

use crate::open::SqliteStore;
use crate::reads::Kind;
use crate::rows::{error, hash, micros, person_row};
use crate::tables::desk_events;
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use vorgang_core::chain::GENESIS;
use vorgang_core::ids::{ArticleId, TicketId};
use vorgang_core::people::{Person, PersonPatch};
use vorgang_core::security::{self, By, Entry};
use vorgang_store::security::{LogRow, Security};
use vorgang_store::{Result, StoreError};

/// INVARIANT (one writer): nobody else appends between the read and the write.
pub fn append(c: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let last = "SELECT hash FROM security_log ORDER BY id DESC LIMIT 1";
    let previous = c.query_row(last, [], |r| r.get::<_, Vec<u8>>(0)).optional()?.map_or(Ok(GENESIS), |h| hash(&h))?;
    let (at, details) = (micros(entry.by.at), entry.details.to_string());
    let texts = [entry.by.actor.as_str(), &entry.by.cause, &entry.event, &entry.about, &details];
    let hash = security::hash(previous, at, texts);
    let sql = "INSERT INTO security_log (at, actor, cause, event, about, details, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let [actor, cause, event, about, details] = texts;
    c.prepare_cached(sql)?.execute(params![at, actor, cause, event, about, details, &hash[..]]).map(|_| ())
}

/// A person as the row has it now, with the row's id and version.
fn person(c: &Connection, login: &str) -> rusqlite::Result<Option<(i64, u64, Person)>> {
    let sql = "SELECT p.id, p.version, p.login, p.name, p.email, p.kind, n.name, p.language, p.active, p.settings \
         FROM person p LEFT JOIN name n ON n.id = p.company_id WHERE p.login = ?1";
    let row = |r: &rusqlite::Row| Ok((r.get(0)?, r.get::<_, i64>(1)? as u64, person_row(r, 2, vec![])?));
    let Some((id, version, mut person)) = c.query_row(sql, [login], row).optional()? else { return Ok(None) };
    let mut roles = c.prepare_cached("SELECT role FROM person_role WHERE person_id = ?1 ORDER BY role")?;
    person.roles = roles.query_map([id], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(Some((id, version, person)))
}

fn change(c: &Connection, login: &str, patch: &PersonPatch, expected: Option<u64>, by: &By, happens: bool) -> Result<u64> {
    let (id, version, mut person) = person(c, login).map_err(error)?.ok_or(StoreError::NotFound)?;
    if expected.is_some_and(|e| e != version) {
        return Err(StoreError::Conflict);
    }
    let changes = patch.apply(&mut person);
    if changes.is_empty() {
        return Ok(version);
    }
    let write = || -> rusqlite::Result<()> {
        if happens && let Some(event) = desk_events::of_person(c, &person)? {
            desk_events::add(c, &event, by.at)?;
        }
        let company: Option<i64> = match &person.company {
            Some(name) => {
                let sql =
                    "INSERT INTO name (kind, name) VALUES ('company', ?1) ON CONFLICT (kind, name) DO UPDATE SET name = name RETURNING id";
                Some(c.query_row(sql, [name], |r| r.get(0))?)
            }
            None => None,
        };
        let settings = serde_json::to_string(&person.settings).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
        let sql = "UPDATE person SET name = ?2, email = ?3, kind = ?4, company_id = ?5, language = ?6, active = ?7, settings = ?8, version = version + 1 WHERE id = ?1";
        let p = &person;
        c.execute(sql, params![id, p.name, p.email, p.kind.word(), company, p.language, p.active, settings])?;
        if patch.roles.is_some() {
            c.execute("DELETE FROM person_role WHERE person_id = ?1", [id])?;
            for role in &p.roles {
                c.execute("INSERT OR IGNORE INTO person_role (person_id, role) VALUES (?1, ?2)", params![id, role])?;
            }
        }
        append(c, &patch.entry(login, version + 1, changes, by))
    };
    write().map_err(error)?;
    Ok(version + 1)
}

#[async_trait]
impl Security for SqliteStore {
    async fn security_add(&self, entries: Vec<Entry>) -> Result<()> {
        let add = move |c: &Connection| entries.iter().try_for_each(|e| append(c, e)).map(|()| 0);
        self.write(false, add).await.map(|_| ())
    }

    async fn security_list(&self, since: Option<Timestamp>, who: Option<&str>, after: i64, limit: u32) -> Result<Vec<LogRow>> {
        let sql = "SELECT id, at, actor, cause, event, about, details, hash FROM security_log \
             WHERE id > ?1 AND at >= ?2 AND (?3 IS NULL OR actor = ?3 OR about = ?3) ORDER BY id LIMIT ?4";
        self.read(Kind::Log, |c| {
            let mut statement = c.prepare_cached(sql).map_err(error)?;
            let row = |r: &rusqlite::Row| {
                Ok(LogRow {
                    id: r.get(0)?,
                    at: r.get(1)?,
                    actor: r.get(2)?,
                    cause: r.get(3)?,
                    event: r.get(4)?,
                    about: r.get(5)?,
                    details: r.get(6)?,
                    hash: hash(&r.get::<_, Vec<u8>>(7)?)?,
                })
            };
            let since = since.map_or(i64::MIN, micros);
            statement.query_map(params![after, since, who, limit], row).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }

    async fn person_change(&self, login: &str, patch: &PersonPatch, expected: Option<u64>, by: &By, happens: bool) -> Result<u64> {
        let (login, patch, by) = (login.to_owned(), patch.clone(), by.clone());
        let write = move |c: &Connection, _: &mut Vec<(String, i64)>| {
            change(c, &login, &patch, expected, &by, happens).map(|version| version as i64)
        };
        self.writer()?.write(true, write).await.map(|version| version as u64)
    }

    async fn person_version(&self, login: &str) -> Result<Option<u64>> {
        let sql = "SELECT version FROM person WHERE login = ?1";
        self.reader().query_row(sql, [login], |r| r.get::<_, i64>(0)).optional().map(|v| v.map(|v| v as u64)).map_err(error)
    }

    async fn shown_html(&self, hash: &str, rules: u32) -> Result<Option<String>> {
        let sql = "SELECT html FROM shown_html WHERE hash = ?1 AND rules = ?2";
        self.reader().query_row(sql, params![hash, rules], |r| r.get(0)).optional().map_err(error)
    }

    async fn shown_html_put(&self, hash: &str, rules: u32, html: &str, (ticket, article): (TicketId, ArticleId)) -> Result<()> {
        let (hash, html) = (hash.to_owned(), html.to_owned());
        let sql = "INSERT INTO shown_html (hash, rules, html) SELECT ?1, ?2, ?3 \
             WHERE EXISTS (SELECT 1 FROM article WHERE ticket_id = ?4 AND seq = ?5 AND erased IS NULL) ON CONFLICT DO UPDATE SET rules = excluded.rules, html = excluded.html";
        self.write(false, move |c| c.execute(sql, params![hash, rules, html, ticket.0, article.0]).map(|n| n as i64)).await.map(|_| ())
    }
}
