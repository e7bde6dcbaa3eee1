//! The ids of names and people, as PostgreSQL has them.

use crate::arg::args;
use crate::rows::error;
use crate::server::Server;
use sqlx::Row;
use std::collections::BTreeSet;
use vorgang_core::ids::Login;
use vorgang_store::names::{Known, NameIds};
use vorgang_store::{Commit, Origin, Result};

/// Indexes of own fields begin with this. Each has two: one of the values that are texts, one of those that are numbers.
pub const FIELD_INDEX: &str = "own_field_";

/// Reads everything again.
pub async fn reload(server: &Server, names: &NameIds) -> Result<()> {
    let mark = names.mark();
    let mut known = Known::default();
    for row in server.ask("SELECT id, kind, name FROM name", vec![]).await? {
        known.name(row.try_get(0).map_err(error)?, row.try_get(1).map_err(error)?, row.try_get(2).map_err(error)?);
    }
    for row in server.ask("SELECT id, login FROM person", vec![]).await? {
        known.person(row.try_get(0).map_err(error)?, row.try_get(1).map_err(error)?);
    }
    known.indexed = indexed(server).await?;
    names.replace(known, mark);
    Ok(())
}

/// Fields whose indexes are ready.
pub async fn indexed(server: &Server) -> Result<std::collections::HashSet<String>> {
    let sql = "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         WHERE i.indrelid = 'ticket'::regclass AND i.indisvalid AND c.relname LIKE 'own\\_field\\_%\\_n'";
    let rows = server.ask(sql, vec![]).await?;
    let name = |r: &sqlx::postgres::PgRow| r.try_get::<String, _>(0).map_err(error);
    let names = rows.iter().map(name).collect::<Result<Vec<_>>>()?;
    Ok(names.iter().filter_map(|n| n.strip_prefix(FIELD_INDEX)?.strip_suffix("_n")).map(str::to_owned).collect())
}

/// Every name that these commits use has an id afterwards, if the database has one: another node may have made it.
/// Keys of audiences are made where they are missing.
/// The person whose request is answered once.
fn asker(origin: &Origin) -> Option<&Login> {
    match origin {
        Origin::Request(i) => Some(&i.login),
        _ => None,
    }
}

pub async fn ensure(server: &Server, names: &NameIds, commits: &[&Commit]) -> Result<()> {
    let mut audience = BTreeSet::new();
    let mut unknown = false;
    let mut look = |commit: &Commit| {
        let t = &commit.changes.ticket;
        let keys = commit.changes.work.iter().filter(|w| w.status.is_open()).flat_map(|w| &w.audience);
        audience.extend(keys.filter(|k| names.find("audience", k).is_none()).cloned());
        let kinds = [("type", &t.ticket_type), ("queue", &t.queue), ("state", &t.state), ("priority", &t.priority)];
        let people = [&t.owner, &t.responsible, &t.customer_user].into_iter().flatten().chain(asker(&commit.origin));
        unknown |= kinds.iter().any(|(kind, name)| names.find(kind, name).is_none())
            || t.customer.as_ref().is_some_and(|c| names.find("company", c).is_none())
            || people.chain(commit.changes.notices.iter().map(|n| &n.to)).any(|login| names.person(login).is_none());
    };
    fn each(commit: &Commit, look: &mut impl FnMut(&Commit)) {
        look(commit);
        commit.also.iter().for_each(|c| each(c, look));
    }
    commits.iter().for_each(|c| each(c, &mut look));
    if unknown {
        reload(server, names).await?;
    }
    if audience.is_empty() {
        return Ok(());
    }
    let keys: Vec<String> = audience.into_iter().collect();
    // In one order, so that two nodes do not wait for each other; a name that a commit did not use after all does no harm.
    let sql = "WITH new AS (INSERT INTO name (kind, name) SELECT 'audience', k FROM unnest($1::text[]) k ORDER BY k ON CONFLICT DO NOTHING \
         RETURNING id, name) SELECT id, name FROM new UNION ALL SELECT id, name FROM name WHERE kind = 'audience' AND name = ANY ($1)";
    // What another one made meanwhile is seen by the second look only.
    for _ in 0..2 {
        let mut fresh = vec![];
        for row in server.ask(sql, args![keys.clone()]).await? {
            fresh.push((row.try_get(1).map_err(error)?, row.try_get(0).map_err(error)?));
        }
        let whole = fresh.len() >= keys.len();
        names.remember("audience", fresh);
        if whole {
            break;
        }
    }
    Ok(())
}
