//! The trait on SQLite.

use crate::filter_sql::{Plan, sql_where};
use crate::open::SqliteStore;
use crate::reads::Kind;
use crate::rows::{self, HISTORY_ROW, TICKET_ROW, error, hash, history_row, micros, person_row, ticket_row, time, word};
use crate::tables::desk_events;
use crate::writer::{Writer, commit};
use crate::{jobs, names, read};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use vorgang_core::article::{Article, Sender};
use vorgang_core::attachment::Attachment;
use vorgang_core::chain::Hash;
use vorgang_core::desk_event::DeskEvent;
use vorgang_core::filter::Filter;
use vorgang_core::ids::{ArticleId, Login, TicketId, TicketNumber, TimerId};
use vorgang_core::people::{Person, SYSTEM};
use vorgang_core::snapshot::{Instance, Step};
use vorgang_store::files::{has_large, store_large};
use vorgang_store::{
    Commit, Count, CountedTimer, DueTimer, HistoryRow, Idempotency, IncidentRow, JobRun, JobSummary, NewRevision, Page, Result, Revision,
    SecretKind, Session, Sort, Store, StoreError, Stored, TicketRow, WorkRow,
};

fn due_timer(r: &rusqlite::Row) -> rusqlite::Result<DueTimer> {
    Ok(DueTimer {
        ticket: r.get(0).map(TicketId)?,
        number: r.get::<_, String>(1).map(TicketNumber::from)?,
        seq: r.get(2).map(TimerId)?,
        due: time(r.get(3)?)?,
    })
}

#[async_trait]
impl Store for SqliteStore {
    async fn ticket_load(&self, number: &str) -> Result<Option<Stored>> {
        let c = self.writer.as_ref().and_then(Writer::idle).unwrap_or_else(|| self.reader());
        read::together(&c, || read::by_number(&c, &self.names, number))
    }

    async fn ticket_load_by_id(&self, id: TicketId) -> Result<Option<Stored>> {
        let c = self.reader();
        read::together(&c, || read::by_id(&c, &self.names, id))
    }

    async fn ticket_number(&self, id: TicketId) -> Result<Option<TicketNumber>> {
        let c = self.reader();
        let mut statement = c.prepare_cached("SELECT number FROM ticket WHERE id = ?1").map_err(error)?;
        let number = statement.query_row([id.0], |r| r.get::<_, String>(0)).optional().map_err(error)?;
        Ok(number.map(TicketNumber::from))
    }

    async fn tickets_load(&self, ids: &[TicketId]) -> Result<Vec<Stored>> {
        let c = self.reader();
        let load = |id: &TicketId| read::by_id(&c, &self.names, *id).transpose();
        read::together(&c, || ids.iter().filter_map(load).collect())
    }

    async fn ticket_runs(&self, id: TicketId) -> Result<(Vec<Instance>, Vec<Step>)> {
        let c = self.reader();
        Ok((read::instances(&c, id, "").map_err(error)?, read::steps(&c, id).map_err(error)?))
    }

    async fn commit(&self, mut new: Commit) -> Result<()> {
        if let Some(files) = self.files.as_ref().filter(|_| has_large(&new)) {
            store_large(&**files, &mut new).await?;
        }
        let names = self.names.clone();
        self.writer()?.write(false, move |c, fresh| commit(c, &names, fresh, &new)).await.map(|_| ())
    }

    async fn ticket_list(&self, rights: &Filter, narrow: &Filter, sort: Sort, limit: u32, after: Option<i64>) -> Result<Page<TicketRow>> {
        let (condition, mut params) = sql_where(Plan::Walk, &self.names, &[rights, narrow]);
        let (order, compare) = if sort == Sort::NewestFirst { ("DESC", "<") } else { ("ASC", ">") };
        let cursor = if after.is_some() { format!(" AND t.id {compare} ?") } else { String::new() };
        params.extend(after.map(Value::Integer));
        params.push(Value::Integer(i64::from(limit) + 1));
        let sql = format!("SELECT {TICKET_ROW} FROM ticket t WHERE {condition}{cursor} ORDER BY t.id {order} LIMIT ?");
        self.read(Kind::Tickets, |c| {
            let mut statement = c.prepare_cached(&sql).map_err(error)?;
            let rows = statement.query_map(params_from_iter(&params), |r| ticket_row(r, &self.names)).map_err(error)?;
            let mut items = rows.collect::<rusqlite::Result<Vec<_>>>().map_err(error)?;
            let more = items.len() > limit as usize;
            items.truncate(limit as usize);
            let next = items.last().filter(|_| more).map(|r| r.id);
            Ok(Page { items, next })
        })
        .await
    }

    async fn ticket_counts(&self, rights: &Filter) -> Result<Vec<Count>> {
        let (condition, params) = sql_where(Plan::Gather, &self.names, &[rights]);
        let sql = format!("SELECT t.queue_id, t.state_id, count(*) FROM ticket t WHERE {condition} GROUP BY t.queue_id, t.state_id");
        self.read(Kind::Counts, |c| {
            let mut statement = c.prepare_cached(&sql).map_err(error)?;
            let count = |r: &rusqlite::Row| {
                Ok(Count { queue: self.names.name(r.get(0)?), state: self.names.name(r.get(1)?), tickets: r.get::<_, i64>(2)? as u64 })
            };
            statement.query_map(params_from_iter(&params), count).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }

    async fn ticket_count_all(&self) -> Result<u64> {
        let count =
            |c: &Connection| c.query_row("SELECT count(*) FROM ticket", [], |r| r.get::<_, i64>(0)).map(|n| n as u64).map_err(error);
        self.read(Kind::Counts, count).await
    }

    async fn links(&self, rights: &Filter, ticket: TicketId) -> Result<Vec<(TicketRow, String)>> {
        let (condition, params) = sql_where(Plan::Gather, &self.names, &[rights]);
        let sql = format!(
            "SELECT {TICKET_ROW}, l.kind FROM (SELECT other_id AS id, kind FROM ticket_link WHERE ticket_id = ? UNION \
             SELECT ticket_id, CASE kind WHEN 'child' THEN 'parent' WHEN 'parent' THEN 'child' ELSE kind END FROM ticket_link WHERE other_id = ?) l \
             JOIN ticket t ON t.id = l.id WHERE {condition} ORDER BY l.kind, t.id LIMIT 200"
        );
        let all: Vec<Value> = [Value::Integer(ticket.0), Value::Integer(ticket.0)].into_iter().chain(params).collect();
        self.read(Kind::Links, |c| {
            let mut statement = c.prepare_cached(&sql).map_err(error)?;
            let row = |r: &rusqlite::Row| Ok((ticket_row(r, &self.names)?, r.get(12)?));
            statement.query_map(params_from_iter(&all), row).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }

    async fn ticket_newest_change(&self) -> Result<Option<Timestamp>> {
        let sql = "SELECT max(at) FROM (SELECT at FROM history ORDER BY id DESC LIMIT 100)";
        self.reader().query_row(sql, [], |r| r.get::<_, Option<i64>>(0)).and_then(|t| t.map(time).transpose()).map_err(error)
    }

    async fn article_page(&self, ticket: TicketId, after: ArticleId, visible: bool, limit: u32) -> Result<Vec<Article>> {
        self.read(Kind::Articles, |c| {
            let sql = "SELECT seq, channel, sender, author, visible, subject, body, created, origin, head, withdrawn, rejected, erased FROM article \
                 WHERE ticket_id = ?1 AND seq > ?2 AND (visible OR NOT ?3) ORDER BY seq LIMIT ?4";
            let mut statement = c.prepare_cached(sql).map_err(error)?;
            let article = |r: &rusqlite::Row| {
                Ok(Article {
                    seq: r.get(0).map(ArticleId)?,
                    channel: r.get(1)?,
                    sender: word(r, 2, Sender::from_word)?,
                    author: r.get(3)?,
                    visible: r.get(4)?,
                    subject: r.get(5)?,
                    body: r.get(6)?,
                    attachments: vec![],
                    at: time(r.get(7)?)?,
                    origin: r.get::<_, Option<String>>(8)?.map(TicketNumber::from),
                    head: r.get::<_, Option<String>>(9)?.map(|h| rows::json(&h)).transpose()?,
                    withdrawn: r.get(10)?,
                    rejected: r.get(11)?,
                    erased: r.get::<_, Option<String>>(12)?.map(|e| rows::json(&e)).transpose()?,
                })
            };
            let mut articles: Vec<Article> =
                statement.query_map(params![ticket.0, after.0, visible, limit], article).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)?;
            let Some(last) = articles.last().map(|a| a.seq) else { return Ok(articles) };
            let sql = "SELECT article_seq, name, content_type, size, blob_hash FROM article_part \
                 WHERE ticket_id = ?1 AND article_seq > ?2 AND article_seq <= ?3 ORDER BY article_seq, part";
            let mut statement = c.prepare_cached(sql).map_err(error)?;
            let mut rows = statement.query(params![ticket.0, after.0, last.0]).map_err(error)?;
            while let Some(r) = rows.next().map_err(error)? {
                let seq: u32 = r.get(0).map_err(error)?;
                let attachment = Attachment {
                    name: r.get(1).map_err(error)?,
                    content_type: r.get(2).map_err(error)?,
                    size: r.get::<_, i64>(3).map_err(error)? as u64,
                    blob: r.get(4).map_err(error)?,
                };
                if let Some(a) = articles.iter_mut().find(|a| a.seq == ArticleId(seq)) {
                    a.attachments.push(attachment);
                }
            }
            Ok(articles)
        })
        .await
    }

    async fn history_list(&self, ticket: TicketId, after_version: u64, limit: u32) -> Result<Vec<HistoryRow>> {
        let c = self.reader();
        let sql = format!("SELECT {HISTORY_ROW} FROM history WHERE ticket_id = ?1 AND version > ?2 ORDER BY version LIMIT ?3");
        let mut statement = c.prepare_cached(&sql).map_err(error)?;
        let rows = statement.query_map(params![ticket.0, after_version as i64, limit], history_row).map_err(error)?;
        rows.collect::<rusqlite::Result<_>>().map_err(error)
    }

    async fn history_scan(&self, after: (TicketId, u64), limit: u32) -> Result<Vec<HistoryRow>> {
        self.read_patiently(Kind::Scan, |c| {
            let sql =
                format!("SELECT {HISTORY_ROW} FROM history WHERE (ticket_id, version) > (?1, ?2) ORDER BY ticket_id, version LIMIT ?3");
            let mut statement = c.prepare_cached(&sql).map_err(error)?;
            let rows = statement.query_map(params![after.0.0, after.1 as i64, limit], history_row).map_err(error)?;
            rows.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }

    async fn heads(&self, after: TicketId, limit: u32) -> Result<Vec<(TicketId, u64, Hash)>> {
        self.read_patiently(Kind::Scan, |c| {
            let mut statement =
                c.prepare_cached("SELECT id, version, head FROM ticket WHERE id > ?1 ORDER BY id LIMIT ?2").map_err(error)?;
            let read = |r: &rusqlite::Row| Ok((r.get(0).map(TicketId)?, r.get::<_, i64>(1)? as u64, hash(&r.get::<_, Vec<u8>>(2)?)?));
            statement.query_map(params![after.0, limit], read).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }

    async fn blob(&self, hash: &str) -> Result<Option<Vec<u8>>> {
        let inline = self.reader().query_row("SELECT bytes FROM blob WHERE hash = ?1", [hash], |r| r.get(0)).optional().map_err(error)?;
        match (inline, &self.files) {
            (None, Some(files)) => files.get(hash).await,
            (inline, _) => Ok(inline),
        }
    }

    async fn number_block(&self, count: u32) -> Result<i64> {
        self.write(false, move |c| {
            c.query_row("UPDATE number_block SET next = next + ?1 WHERE id = 1 RETURNING next - ?1", [count], |r| r.get(0))
        })
        .await
    }

    async fn timers_due(&self, now: Timestamp, limit: u32) -> Result<Vec<DueTimer>> {
        let c = self.reader();
        let sql = "SELECT t.id, t.number, m.seq, m.due FROM timer m JOIN ticket t ON t.id = m.ticket_id WHERE m.due <= ?1 ORDER BY m.due LIMIT ?2";
        let mut statement = c.prepare_cached(sql).map_err(error)?;
        statement.query_map(params![micros(now), limit], due_timer).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
    }

    async fn timers_counted(&self, after: (TicketId, TimerId), limit: u32) -> Result<Vec<CountedTimer>> {
        self.read_patiently(Kind::Scan, |c| {
            let sql = "SELECT t.id, t.number, m.state FROM timer m JOIN ticket t ON t.id = m.ticket_id \
                       WHERE (m.ticket_id, m.seq) > (?1, ?2) AND m.calendar IS NOT NULL ORDER BY m.ticket_id, m.seq LIMIT ?3";
            let mut statement = c.prepare_cached(sql).map_err(error)?;
            let timer = |r: &rusqlite::Row| rows::json(&r.get::<_, String>(2)?);
            let row = |r: &rusqlite::Row| {
                Ok(CountedTimer {
                    ticket: r.get(0).map(TicketId)?,
                    number: r.get::<_, String>(1).map(TicketNumber::from)?,
                    timer: timer(r)?,
                })
            };
            statement.query_map(params![after.0.0, after.1.0, limit], row).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }

    async fn job_seen(&self, job: &str, schedule: &str, now: Timestamp) -> Result<Timestamp> {
        let (job, schedule) = (job.to_owned(), schedule.to_owned());
        time(self.write(false, move |c| jobs::seen(c, &job, &schedule, now)).await?).map_err(error)
    }

    async fn job_pass(&self, job: &str, to: Timestamp) -> Result<()> {
        let job = job.to_owned();
        let sql = "UPDATE job SET seen = max(seen, ?2) WHERE name = ?1";
        self.write(false, move |c| c.execute(sql, params![job, micros(to)]).map(|n| n as i64)).await.map(|_| ())
    }

    async fn jobs_ahead(&self, of: Timestamp) -> Result<Vec<(String, Timestamp)>> {
        let c = self.reader();
        let mut statement = c.prepare_cached("SELECT name, seen FROM job WHERE seen > ?1 ORDER BY name").map_err(error)?;
        let rows = statement.query_map([micros(of)], |r| Ok((r.get(0)?, time(r.get(1)?)?))).map_err(error)?;
        rows.collect::<rusqlite::Result<_>>().map_err(error)
    }

    async fn job_back(&self, job: &str, to: Timestamp) -> Result<()> {
        let job = job.to_owned();
        let sql = "UPDATE job SET seen = min(seen, ?2) WHERE name = ?1";
        self.write(false, move |c| c.execute(sql, params![job, micros(to)]).map(|n| n as i64)).await.map(|_| ())
    }

    async fn job_keep(&self, jobs: &[String]) -> Result<()> {
        let known = serde_json::to_string(jobs).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        let sql = "DELETE FROM job WHERE name NOT IN (SELECT value FROM json_each(?1))";
        self.write(false, move |c| c.execute(sql, [known]).map(|n| n as i64)).await.map(|_| ())
    }

    async fn job_start(&self, job: &str, tick: Option<Timestamp>, by: &str, now: Timestamp, missed: u64) -> Result<Option<JobRun>> {
        let summary = JobSummary { missed, ..JobSummary::default() };
        let run = JobRun { id: 0, job: job.to_owned(), tick, started: now, ended: None, by: by.to_owned(), cursor: 0, summary };
        let (new, text) = (run.clone(), jobs::text(&run.summary)?);
        let id = self.write(false, move |c| jobs::start(c, &new, &text)).await?;
        Ok((id > 0).then_some(JobRun { id, ..run }))
    }

    async fn job_progress(&self, run: &mut JobRun) -> Result<()> {
        let now = run.clone();
        let counted = self.write(false, move |c| jobs::progress(c, now)).await?;
        jobs::count(&mut run.summary, counted);
        Ok(())
    }

    async fn job_runs(&self, job: Option<&str>, open: bool, limit: u32) -> Result<Vec<JobRun>> {
        jobs::runs(&self.reader(), job, open, limit)
    }

    async fn job_tickets(&self, filter: &Filter, run: i64, after: i64, limit: u32) -> Result<Vec<(TicketId, TicketNumber)>> {
        self.read_patiently(Kind::JobTickets, |c| jobs::tickets(c, &self.names, filter, run, after, limit)).await
    }

    async fn job_done(&self, run: i64) -> Result<u64> {
        let sql = "SELECT count(*) FROM job_done WHERE run = ?1";
        let count = |c: &Connection| c.query_row(sql, [run], |r| r.get::<_, i64>(0)).map(|n| n as u64).map_err(error);
        self.read(Kind::Counts, count).await
    }

    async fn job_plan(&self, filter: &Filter) -> Result<(String, Vec<String>)> {
        jobs::plan(&self.reader(), &self.names, filter)
    }

    async fn work_list(&self, keys: &[String], rights: &Filter, limit: u32) -> Result<Vec<WorkRow>> {
        let ids: Vec<i64> = keys.iter().filter_map(|k| self.names.find("audience", k)).collect();
        if ids.is_empty() {
            return Ok(vec![]);
        }
        let (condition, params) = sql_where(Plan::Walk, &self.names, &[rights]);
        let marks = vec!["?"; ids.len()].join(", ");
        // The newest keys first, then their rows: sorting keys is cheap, and few rows are read. What is for somebody is
        // visible to that person but for removed tickets, so twice the limit is enough.
        let sql = format!(
            "SELECT {TICKET_ROW}, {}, i.process FROM \
             (SELECT DISTINCT ticket_id, seq FROM work_audience WHERE key_id IN ({marks}) ORDER BY ticket_id DESC, seq LIMIT ?) a \
             JOIN work w ON w.ticket_id = a.ticket_id AND w.seq = a.seq JOIN ticket t ON t.id = a.ticket_id \
             JOIN instance i ON i.ticket_id = w.ticket_id AND i.seq = w.instance \
             WHERE {condition} ORDER BY a.ticket_id DESC, w.seq LIMIT ?",
            read::WORK
        );
        let mut all: Vec<Value> = ids.into_iter().map(Value::Integer).collect();
        all.push(Value::Integer(i64::from(limit) * 2));
        all.extend(params);
        all.push(Value::Integer(limit.into()));
        self.read(Kind::Work, |c| {
            let mut statement = c.prepare_cached(&sql).map_err(error)?;
            let row =
                |r: &rusqlite::Row| Ok(WorkRow { ticket: ticket_row(r, &self.names)?, item: read::work_item(r, 12)?, process: r.get(22)? });
            statement.query_map(params_from_iter(&all), row).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }

    async fn incident_list(&self, rights: &Filter, limit: u32) -> Result<Vec<IncidentRow>> {
        let (condition, mut params) = sql_where(Plan::Gather, &self.names, &[rights]);
        params.push(Value::Integer(limit.into()));
        let sql = format!(
            "SELECT t.id, t.number, i.body FROM incident i JOIN ticket t ON t.id = i.ticket_id \
             WHERE i.resolved IS NULL AND {condition} ORDER BY i.raised DESC LIMIT ?"
        );
        self.read(Kind::Incidents, |c| {
            let mut statement = c.prepare_cached(&sql).map_err(error)?;
            let row = |r: &rusqlite::Row| {
                Ok(IncidentRow {
                    ticket: r.get(0).map(TicketId)?,
                    number: r.get::<_, String>(1).map(TicketNumber::from)?,
                    incident: rows::json(&r.get::<_, String>(2)?)?,
                })
            };
            statement.query_map(params_from_iter(&params), row).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }

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

    async fn secret_add(&self, kind: SecretKind, hash: Hash, login: &str, csrf: &str, now: Timestamp, expires: Timestamp) -> Result<()> {
        let person = self.names.person(login).ok_or(StoreError::NotFound)?;
        let csrf = csrf.to_owned();
        let add = move |c: &Connection| {
            let (now, expires) = (micros(now), micros(expires));
            let n = match kind {
                SecretKind::LoginLink => {
                    c.execute("INSERT INTO login_link (hash, person_id, expires) VALUES (?1, ?2, ?3)", params![&hash[..], person, expires])?
                }
                SecretKind::Session => c.execute(
                    "INSERT INTO session (hash, person_id, csrf, created, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![&hash[..], person, csrf, now, expires],
                )?,
                SecretKind::ApiToken => {
                    c.execute("INSERT INTO api_token (hash, person_id, created) VALUES (?1, ?2, ?3)", params![&hash[..], person, now])?
                }
            };
            // What has expired goes when something of its kind comes.
            c.execute("DELETE FROM login_link WHERE expires < ?1", [now])?;
            c.execute("DELETE FROM session WHERE expires < ?1", [now])?;
            Ok(n as i64)
        };
        self.write(false, add).await.map(|_| ())
    }

    async fn login_link_take(&self, hash: Hash, now: Timestamp) -> Result<Option<Login>> {
        let take = move |c: &Connection| {
            let sql = "DELETE FROM login_link WHERE hash = ?1 AND expires >= ?2 RETURNING person_id";
            c.query_row(sql, params![&hash[..], micros(now)], |r| r.get::<_, i64>(0)).optional().map(|id| id.unwrap_or(0))
        };
        let id = self.write(false, take).await?;
        Ok((id != 0).then(|| self.names.login(id)))
    }

    async fn session_get(&self, hash: Hash, now: Timestamp) -> Result<Option<Session>> {
        let c = self.reader();
        let sql = "SELECT p.login, s.csrf, s.expires FROM session s JOIN person p ON p.id = s.person_id WHERE s.hash = ?1 AND s.expires >= ?2 AND p.active = 1";
        let mut statement = c.prepare_cached(sql).map_err(error)?;
        let row =
            |r: &rusqlite::Row| Ok(Session { login: r.get::<_, String>(0).map(Login::from)?, csrf: r.get(1)?, expires: time(r.get(2)?)? });
        statement.query_row(params![&hash[..], micros(now)], row).optional().map_err(error)
    }

    async fn session_delete(&self, hash: Hash) -> Result<()> {
        self.write(false, move |c| c.execute("DELETE FROM session WHERE hash = ?1", params![&hash[..]]).map(|n| n as i64)).await.map(|_| ())
    }

    async fn sessions_delete_of(&self, login: &str) -> Result<()> {
        let person = self.names.person(login).ok_or(StoreError::NotFound)?;
        let delete = move |c: &Connection| {
            c.execute("DELETE FROM session WHERE person_id = ?1", [person])?;
            c.execute("DELETE FROM login_link WHERE person_id = ?1", [person])?;
            c.execute("DELETE FROM api_token WHERE person_id = ?1", [person]).map(|n| n as i64)
        };
        self.write(false, delete).await.map(|_| ())
    }

    async fn token_login(&self, hash: Hash) -> Result<Option<String>> {
        let c = self.reader();
        let sql = "SELECT p.login FROM api_token a JOIN person p ON p.id = a.person_id WHERE a.hash = ?1 AND p.active = 1";
        let mut statement = c.prepare_cached(sql).map_err(error)?;
        statement.query_row(params![&hash[..]], |r| r.get(0)).optional().map_err(error)
    }

    async fn idempotency_get(&self, login: &str, key: &str) -> Result<Option<Idempotency>> {
        let Some(person) = self.names.person(login) else { return Ok(None) };
        let c = self.reader();
        let mut statement =
            c.prepare_cached("SELECT body_hash, status, answer FROM idempotency WHERE person_id = ?1 AND key = ?2").map_err(error)?;
        let row = |r: &rusqlite::Row| {
            Ok(Idempotency {
                login: login.into(),
                key: key.to_owned(),
                body_hash: hash(&r.get::<_, Vec<u8>>(0)?)?,
                status: r.get(1)?,
                answer: r.get(2)?,
            })
        };
        statement.query_row(params![person, key], row).optional().map_err(error)
    }

    async fn idempotency_put(&self, kept: &Idempotency, at: Timestamp) -> Result<()> {
        let person = self.names.person(&kept.login).ok_or(StoreError::NotFound)?;
        let (kept, at) = (kept.clone(), micros(at));
        let put = move |c: &Connection| {
            let sql = "INSERT OR IGNORE INTO idempotency (person_id, key, body_hash, status, answer, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            c.execute(sql, params![person, kept.key, &kept.body_hash[..], kept.status, kept.answer, at]).map(|n| n as i64)
        };
        match self.write(false, put).await? {
            0 => Err(StoreError::Conflict),
            _ => Ok(()),
        }
    }

    async fn revision_latest(&self) -> Result<Option<Revision>> {
        self.revision_list(1).await.map(|l| l.into_iter().next())
    }

    async fn revision_list(&self, limit: u32) -> Result<Vec<Revision>> {
        let c = self.reader();
        let mut statement =
            c.prepare_cached("SELECT id, hash, files, applied, actor, counted FROM revision ORDER BY id DESC LIMIT ?1").map_err(error)?;
        let row = |r: &rusqlite::Row| {
            let applied = time(r.get(3)?)?;
            Ok(Revision { id: r.get(0)?, hash: r.get(1)?, files: r.get(2)?, applied, actor: r.get(4)?, counted: r.get(5)? })
        };
        statement.query_map([limit], row).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
    }

    async fn revision_counted(&self, id: i64) -> Result<()> {
        self.write(false, move |c| c.execute("UPDATE revision SET counted = 1 WHERE id = ?1", [id]).map(|n| n as i64)).await.map(|_| ())
    }

    async fn revision_add(&self, new: NewRevision) -> Result<i64> {
        let add = move |c: &Connection| {
            for (kind, name) in &new.names {
                c.execute("INSERT INTO name (kind, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING", params![kind, name])?;
            }
            for (hash, name, canonical) in &new.processes {
                let sql = "INSERT INTO process_revision (hash, name, canonical) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
                c.execute(sql, params![hash, name, canonical])?;
            }
            names::index_fields(c, &new.indexed)?;
            let revision: i64 = c.query_row(
                "INSERT INTO revision (hash, files, applied, actor) VALUES (?1, ?2, ?3, ?4) RETURNING id",
                params![new.hash, new.files, new.applied.map_or(0, micros), new.actor],
                |r| r.get(0),
            )?;
            if let Some(at) = new.applied.filter(|_| new.happens) {
                desk_events::add(c, &DeskEvent::DefinitionsApplied { revision, by: new.actor.clone().into() }, at)?;
            }
            Ok(revision)
        };
        self.write(true, add).await
    }

    async fn pinned_processes(&self) -> Result<Vec<String>> {
        self.read(Kind::Names, |c| {
            let sql = "SELECT canonical FROM process_revision WHERE hash IN (SELECT DISTINCT hash FROM instance WHERE outcome IS NULL)";
            let mut statement = c.prepare_cached(sql).map_err(error)?;
            statement.query_map([], |r| r.get(0)).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }

    async fn tickets_on_process(&self, hash: &str) -> Result<Vec<String>> {
        self.read(Kind::Names, |c| {
            let sql =
                "SELECT t.number FROM instance i JOIN ticket t ON t.id = i.ticket_id WHERE i.hash = ?1 AND i.outcome IS NULL LIMIT 10";
            let mut statement = c.prepare_cached(sql).map_err(error)?;
            statement.query_map([hash], |r| r.get(0)).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)
        })
        .await
    }

    async fn names_in_use(&self, kind: &str) -> Result<Vec<(String, Vec<String>)>> {
        let column = match kind {
            "queue" => "queue_id",
            "state" => "state_id",
            "type" => "type_id",
            "priority" => "priority_id",
            _ => return Ok(vec![]),
        };
        self.read(Kind::Names, |c| {
            let mut statement = c.prepare_cached("SELECT id, name FROM name WHERE kind = ?1").map_err(error)?;
            let names: Vec<(i64, String)> = statement
                .query_map([kind], |r| Ok((r.get(0)?, r.get(1)?)))
                .map_err(error)?
                .collect::<rusqlite::Result<_>>()
                .map_err(error)?;
            let mut statement = c.prepare_cached(&format!("SELECT number FROM ticket WHERE {column} = ?1 LIMIT 3")).map_err(error)?;
            let mut used = vec![];
            for (id, name) in names {
                let tickets: Vec<String> =
                    statement.query_map([id], |r| r.get(0)).map_err(error)?.collect::<rusqlite::Result<_>>().map_err(error)?;
                if !tickets.is_empty() {
                    used.push((name, tickets));
                }
            }
            Ok(used)
        })
        .await
    }

    async fn ping(&self) -> Result<()> {
        self.reader().query_row("SELECT 1", [], |_| Ok(())).map_err(error)
    }
}
