//! The trait on PostgreSQL.

use crate::arg::{Arg, args};
use crate::filter_sql::{Plan, Sql};
use crate::node::Node;
use crate::rows::{HISTORY_ROW, TICKET_ROW, committed, error, hash, history_row, json, micros, ticket_row, time, word};
use crate::server::{Server, bounded};
use crate::writer::{Shared, Writer};
use crate::{jobs, migrate, names, people, read};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::sync::Arc;
use vorgang_core::article::{Article, Sender};
use vorgang_core::attachment::Attachment;
use vorgang_core::chain::Hash;
use vorgang_core::desk_event::DeskEvent;
use vorgang_core::filter::Filter;
use vorgang_core::ids::{ArticleId, Login, Seq, TicketId, TicketNumber, TimerId};
use vorgang_core::people::Person;
use vorgang_core::snapshot::{Instance, Step};
use vorgang_store::files::{Shelf, has_large, store_large};
use vorgang_store::names::NameIds;
use vorgang_store::{
    Commit, Count, CountedTimer, DueTimer, HistoryRow, Idempotency, IncidentRow, JobRun, JobSummary, NewRevision, Page, Result, Revision,
    SecretKind, Session, Sort, Store, StoreError, Stored, TicketRow, WorkRow,
};

pub struct PostgresStore {
    pub(crate) server: Arc<Server>,
    pub(crate) names: Arc<NameIds>,
    pub(crate) node: Arc<Node>,
    pub(crate) files: Option<Shelf>,
    /// `None` when opened for reading only.
    writer: Option<Writer>,
}

impl PostgresStore {
    /// Opens for writing, migrates, and takes part as a node.
    pub async fn open(url: &str) -> Result<Self> {
        let server = Arc::new(Server::open(url).await?);
        migrate::migrate(&server).await?;
        let (names, node) = (Arc::new(NameIds::default()), Arc::new(Node::default()));
        names::reload(&server, &names).await?;
        node.start(&server).await?;
        let shared = Arc::new(Shared { server: server.clone(), names: names.clone(), node: node.clone() });
        Ok(Self { server, names, node, files: None, writer: Some(Writer::start(shared)) })
    }

    /// Opens for reading, beside whoever writes.
    pub async fn open_read_only(url: &str) -> Result<Self> {
        let server = Arc::new(Server::open(url).await?);
        migrate::check_version(&server).await?;
        let (names, node) = (Arc::new(NameIds::default()), Arc::new(Node::default()));
        names::reload(&server, &names).await?;
        Ok(Self { server, names, node, files: None, writer: None })
    }

    /// With large attachments in a folder that all nodes reach.
    pub fn with_files(self, files: Option<Shelf>) -> Self {
        Self { files, ..self }
    }

    pub(crate) async fn reload(&self) -> Result<()> {
        names::reload(&self.server, &self.names).await
    }

    /// Rows, each with its names. One that has a name which another node has made meanwhile: the names are read again.
    async fn named<T>(&self, rows: &[PgRow], read: impl Fn(&PgRow) -> Result<Option<T>>) -> Result<Vec<T>> {
        let all = |again: bool| -> Result<Option<Vec<T>>> {
            let mut all = Vec::with_capacity(rows.len());
            for row in rows {
                match read(row)? {
                    Some(one) => all.push(one),
                    None if again => return Ok(None),
                    None => return Err(StoreError::Corrupt("a ticket has a name that does not exist".into())),
                }
            }
            Ok(Some(all))
        };
        if let Some(all) = all(true)? {
            return Ok(all);
        }
        self.reload().await?;
        all(false).map(Option::unwrap_or_default)
    }

    async fn loaded(&self, condition: &'static str, args: Vec<Arg>) -> Result<Vec<Stored>> {
        let rows = self.server.ask(read::ticket_sql() + condition, args).await?;
        self.named(&rows, |r| read::stored(r, &self.names)).await
    }

    fn ticket_row(&self, row: &PgRow) -> Result<Option<TicketRow>> {
        ticket_row(row, &self.names).map_err(error)
    }

    fn sql(&self, text: impl Into<String>, plan: Plan) -> Sql<'_> {
        Sql::new(text, &self.names, plan)
    }
}

fn texts(rows: &[PgRow]) -> Result<Vec<String>> {
    rows.iter().map(|r| r.try_get(0).map_err(error)).collect()
}

fn due_timer(r: &PgRow) -> Result<DueTimer> {
    let seq = r.try_get::<i64, _>(2).map_err(error)? as Seq;
    let due = r.try_get(3).and_then(time).map_err(error)?;
    Ok(DueTimer {
        ticket: r.try_get(0).map(TicketId).map_err(error)?,
        number: r.try_get::<String, _>(1).map(TicketNumber::from).map_err(error)?,
        seq: TimerId(seq),
        due,
    })
}

#[async_trait]
impl Store for PostgresStore {
    async fn ticket_load(&self, number: &str) -> Result<Option<Stored>> {
        self.loaded("t.number = $1", args![number]).await.map(|mut l| l.pop())
    }

    async fn ticket_load_by_id(&self, id: TicketId) -> Result<Option<Stored>> {
        self.loaded("t.id = $1", args![id]).await.map(|mut l| l.pop())
    }

    async fn ticket_number(&self, id: TicketId) -> Result<Option<TicketNumber>> {
        let rows = self.server.ask("SELECT number FROM ticket WHERE id = $1", args![id]).await?;
        rows.first().map(|r| r.try_get::<String, _>(0).map(TicketNumber::from).map_err(error)).transpose()
    }

    async fn tickets_load(&self, ids: &[TicketId]) -> Result<Vec<Stored>> {
        self.loaded("t.id = ANY ($1) ORDER BY t.id", args![ids.iter().map(|id| id.0).collect::<Vec<i64>>()]).await
    }

    async fn ticket_runs(&self, id: TicketId) -> Result<(Vec<Instance>, Vec<Step>)> {
        read::runs(&self.server.ask(read::runs_sql(), args![id]).await?[0])
    }

    async fn commit(&self, mut commit: Commit) -> Result<()> {
        if let Some(files) = self.files.as_ref().filter(|_| has_large(&commit)) {
            store_large(&**files, &mut commit).await?;
        }
        let writer = self.writer.as_ref().ok_or_else(|| StoreError::Unavailable("opened for reading only".into()))?;
        writer.commit(commit).await
    }

    async fn ticket_list(&self, rights: &Filter, narrow: &Filter, sort: Sort, limit: u32, after: Option<i64>) -> Result<Page<TicketRow>> {
        let (order, compare) = if sort == Sort::NewestFirst { ("DESC", "<") } else { ("ASC", ">") };
        let mut sql = self.sql(format!("SELECT {TICKET_ROW} FROM ticket t WHERE "), Plan::Walk).all(&[rights, narrow]);
        if let Some(after) = after {
            sql = sql.push(" AND t.id ").push(compare).push(" ").arg(after);
        }
        let sql = sql.push(" ORDER BY t.id ").push(order).push(" LIMIT ").arg(i64::from(limit) + 1);
        let rows = self.server.ask(sql.text, sql.args).await?;
        let mut items = self.named(&rows, |r| self.ticket_row(r)).await?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = items.last().filter(|_| more).map(|r| r.id);
        Ok(Page { items, next })
    }

    async fn ticket_counts(&self, rights: &Filter) -> Result<Vec<Count>> {
        let sql = self.sql("SELECT t.queue_id, t.state_id, count(*) FROM ticket t WHERE ", Plan::Gather).all(&[rights]);
        let sql = sql.push(" GROUP BY t.queue_id, t.state_id");
        let rows = self.server.ask(sql.text, sql.args).await?;
        let count = |r: &PgRow| {
            let name = |at: usize| r.try_get(at).map(|id| self.names.find_name(id)).map_err(error);
            let (Some(queue), Some(state)) = (name(0)?, name(1)?) else { return Ok(None) };
            Ok(Some(Count { queue, state, tickets: r.try_get::<i64, _>(2).map_err(error)? as u64 }))
        };
        self.named(&rows, count).await
    }

    async fn ticket_count_all(&self) -> Result<u64> {
        let rows = self.server.ask("SELECT count(*) FROM ticket", vec![]).await?;
        rows[0].try_get::<i64, _>(0).map(|n| n as u64).map_err(error)
    }

    async fn links(&self, rights: &Filter, ticket: TicketId) -> Result<Vec<(TicketRow, String)>> {
        let text = format!(
            "SELECT {TICKET_ROW}, l.kind FROM (SELECT other_id AS id, kind FROM ticket_link WHERE ticket_id = $1 UNION \
             SELECT ticket_id, CASE kind WHEN 'child' THEN 'parent' WHEN 'parent' THEN 'child' ELSE kind END FROM ticket_link WHERE other_id = $1) l \
             JOIN ticket t ON t.id = l.id WHERE "
        );
        let mut sql = self.sql(text, Plan::Gather);
        sql.args.push(ticket.into());
        let sql = sql.all(&[rights]).push(" ORDER BY l.kind COLLATE \"C\", t.id LIMIT 200");
        let rows = self.server.ask(sql.text, sql.args).await?;
        let row = |r: &PgRow| {
            let Some(ticket) = self.ticket_row(r)? else { return Ok(None) };
            Ok(Some((ticket, r.try_get(12).map_err(error)?)))
        };
        self.named(&rows, row).await
    }

    async fn ticket_newest_change(&self) -> Result<Option<Timestamp>> {
        let sql = "SELECT max(at) FROM (SELECT at FROM history ORDER BY id DESC LIMIT 100) h";
        let rows = self.server.ask(sql, vec![]).await?;
        rows[0].try_get::<Option<i64>, _>(0).and_then(|t| t.map(time).transpose()).map_err(error)
    }

    async fn article_page(&self, ticket: TicketId, after: ArticleId, visible: bool, limit: u32) -> Result<Vec<Article>> {
        let sql = "SELECT seq, channel, sender, author, visible, subject, body, created, origin, head, withdrawn, rejected, erased, \
             (SELECT json_agg(json_build_array(name, content_type, size, blob_hash) ORDER BY part)::text FROM article_part p \
             WHERE p.ticket_id = a.ticket_id AND p.article_seq = a.seq) FROM article a WHERE ticket_id = $1 AND seq > $2 AND (visible OR NOT $3) ORDER BY seq LIMIT $4";
        let mut articles = vec![];
        for r in self.server.ask(sql, args![ticket, i64::from(after.0), visible, limit]).await? {
            let parts: Option<&str> = r.try_get(13).map_err(error)?;
            let parts: Vec<(String, String, u64, String)> = parts.map_or(Ok(vec![]), json)?;
            let attachment = |(name, content_type, size, blob)| Attachment { name, content_type, size, blob };
            articles.push(Article {
                seq: ArticleId(r.try_get::<i64, _>(0).map_err(error)? as Seq),
                channel: r.try_get(1).map_err(error)?,
                sender: word(&r, 2, Sender::from_word).map_err(error)?,
                author: r.try_get(3).map_err(error)?,
                visible: r.try_get(4).map_err(error)?,
                subject: r.try_get(5).map_err(error)?,
                body: r.try_get(6).map_err(error)?,
                attachments: parts.into_iter().map(attachment).collect(),
                at: r.try_get(7).and_then(time).map_err(error)?,
                origin: r.try_get::<Option<String>, _>(8).map(|n| n.map(TicketNumber::from)).map_err(error)?,
                head: r.try_get::<Option<&str>, _>(9).map_err(error)?.map(json).transpose()?,
                withdrawn: r.try_get(10).map_err(error)?,
                rejected: r.try_get(11).map_err(error)?,
                erased: r.try_get::<Option<&str>, _>(12).map_err(error)?.map(json).transpose()?,
            });
        }
        Ok(articles)
    }

    async fn history_list(&self, ticket: TicketId, after_version: u64, limit: u32) -> Result<Vec<HistoryRow>> {
        let sql = format!("SELECT {HISTORY_ROW} FROM history WHERE ticket_id = $1 AND version > $2 ORDER BY version LIMIT $3");
        let rows = self.server.ask(sql, args![ticket, after_version, limit]).await?;
        rows.iter().map(|r| history_row(r).map_err(error)).collect()
    }

    async fn history_scan(&self, after: (TicketId, u64), limit: u32) -> Result<Vec<HistoryRow>> {
        let sql = format!("SELECT {HISTORY_ROW} FROM history WHERE (ticket_id, version) > ($1, $2) ORDER BY ticket_id, version LIMIT $3");
        let rows = self.server.ask(sql, args![after.0, after.1, limit]).await?;
        rows.iter().map(|r| history_row(r).map_err(error)).collect()
    }

    async fn heads(&self, after: TicketId, limit: u32) -> Result<Vec<(TicketId, u64, Hash)>> {
        let rows = self.server.ask("SELECT id, version, head FROM ticket WHERE id > $1 ORDER BY id LIMIT $2", args![after, limit]).await?;
        let head = |r: &PgRow| Ok((r.try_get(0).map(TicketId)?, r.try_get::<i64, _>(1)? as u64, hash(r.try_get(2)?)?));
        rows.iter().map(|r| head(r).map_err(error)).collect()
    }

    async fn blob(&self, hash: &str) -> Result<Option<Vec<u8>>> {
        let rows = self.server.ask("SELECT bytes FROM blob WHERE hash = $1", args![hash]).await?;
        match (rows.first(), &self.files) {
            (None, Some(files)) => files.get(hash).await,
            (row, _) => row.map(|r| r.try_get(0).map_err(error)).transpose(),
        }
    }

    async fn number_block(&self, count: u32) -> Result<i64> {
        let rows = self.server.tell("UPDATE number_block SET next = next + $1 WHERE id = 1 RETURNING next - $1", args![count]).await?;
        rows[0].try_get(0).map_err(error)
    }

    async fn timers_due(&self, now: Timestamp, limit: u32) -> Result<Vec<DueTimer>> {
        let due = self.server.ask("SELECT 1 FROM timer WHERE due <= $1 LIMIT 1", args![micros(now)]).await?;
        if due.is_empty() {
            return Ok(vec![]);
        }
        // What a node that is gone was about to fire is free.
        let sql = "WITH due AS MATERIALIZED (SELECT m.ticket_id, m.seq FROM timer m WHERE m.due <= $1 AND \
             (m.claimed IS NULL OR m.claimed = $3 OR NOT EXISTS (SELECT 1 FROM node n WHERE n.id = m.claimed)) \
             ORDER BY m.due LIMIT $2 FOR UPDATE SKIP LOCKED), \
             mine AS (UPDATE timer m SET claimed = $3 FROM due d WHERE m.ticket_id = d.ticket_id AND m.seq = d.seq \
             RETURNING m.ticket_id, m.seq, m.due) \
             SELECT t.id, t.number, m.seq, m.due FROM mine m JOIN ticket t ON t.id = m.ticket_id ORDER BY m.due, t.id, m.seq";
        self.server.tell(sql, args![micros(now), limit, self.node.id()]).await?.iter().map(due_timer).collect()
    }

    async fn timers_counted(&self, after: (TicketId, TimerId), limit: u32) -> Result<Vec<CountedTimer>> {
        let sql = "SELECT t.id, t.number, m.state FROM timer m JOIN ticket t ON t.id = m.ticket_id \
             WHERE (m.ticket_id, m.seq) > ($1, $2) AND m.calendar IS NOT NULL ORDER BY m.ticket_id, m.seq LIMIT $3";
        let rows = self.server.ask(sql, args![after.0, after.1, limit]).await?;
        let row = |r: &PgRow| {
            let timer = json(r.try_get(2).map_err(error)?)?;
            Ok(CountedTimer {
                ticket: r.try_get(0).map(TicketId).map_err(error)?,
                number: r.try_get::<String, _>(1).map(TicketNumber::from).map_err(error)?,
                timer,
            })
        };
        rows.iter().map(row).collect()
    }

    async fn job_seen(&self, job: &str, schedule: &str, now: Timestamp) -> Result<Timestamp> {
        self.seen(job, schedule, now).await
    }

    async fn job_pass(&self, job: &str, to: Timestamp) -> Result<()> {
        self.server.tell("UPDATE job SET seen = greatest(seen, $2) WHERE name = $1", args![job, micros(to)]).await.map(|_| ())
    }

    async fn jobs_ahead(&self, of: Timestamp) -> Result<Vec<(String, Timestamp)>> {
        let rows = self.server.ask("SELECT name, seen FROM job WHERE seen > $1 ORDER BY name", args![micros(of)]).await?;
        rows.iter().map(|r| Ok((r.try_get(0).map_err(error)?, r.try_get(1).and_then(time).map_err(error)?))).collect()
    }

    async fn job_back(&self, job: &str, to: Timestamp) -> Result<()> {
        self.server.tell("UPDATE job SET seen = least(seen, $2) WHERE name = $1", args![job, micros(to)]).await.map(|_| ())
    }

    async fn job_keep(&self, jobs: &[String]) -> Result<()> {
        self.server.tell("DELETE FROM job WHERE NOT name = ANY ($1)", args![jobs.to_vec()]).await.map(|_| ())
    }

    async fn job_start(&self, job: &str, tick: Option<Timestamp>, by: &str, now: Timestamp, missed: u64) -> Result<Option<JobRun>> {
        let summary = JobSummary { missed, ..JobSummary::default() };
        let run = JobRun { id: 0, job: job.to_owned(), tick, started: now, ended: None, by: by.to_owned(), cursor: 0, summary };
        bounded(self.begin_run(run)).await
    }

    async fn job_progress(&self, run: &mut JobRun) -> Result<()> {
        bounded(self.progress(run)).await
    }

    async fn job_runs(&self, job: Option<&str>, open: bool, limit: u32) -> Result<Vec<JobRun>> {
        self.runs(job, open, limit).await
    }

    async fn job_tickets(&self, filter: &Filter, run: i64, after: i64, limit: u32) -> Result<Vec<(TicketId, TicketNumber)>> {
        let sql = jobs::tickets(&self.names, filter, run, after, limit);
        let rows = self.server.ask(sql.text, sql.args).await?;
        rows.iter()
            .map(|r| Ok((r.try_get(0).map(TicketId).map_err(error)?, r.try_get::<String, _>(1).map(TicketNumber::from).map_err(error)?)))
            .collect()
    }

    async fn job_done(&self, run: i64) -> Result<u64> {
        let rows = self.server.ask("SELECT count(*) FROM job_done WHERE run = $1", args![run]).await?;
        rows[0].try_get::<i64, _>(0).map(|n| n as u64).map_err(error)
    }

    async fn job_plan(&self, filter: &Filter) -> Result<(String, Vec<String>)> {
        let sql = jobs::tickets(&self.names, filter, 0, 0, 500);
        let plan = texts(&self.server.ask(format!("EXPLAIN {}", sql.text), sql.args).await?)?;
        Ok((sql.text, plan))
    }

    async fn work_list(&self, keys: &[String], rights: &Filter, limit: u32) -> Result<Vec<WorkRow>> {
        let mut ids: Vec<i64> = keys.iter().filter_map(|k| self.names.find("audience", k)).collect();
        if ids.len() < keys.len() && self.node.has_others() {
            self.reload().await?;
            ids = keys.iter().filter_map(|k| self.names.find("audience", k)).collect();
        }
        if ids.is_empty() {
            return Ok(vec![]);
        }
        // The newest keys first, then their rows. What is for somebody is visible to that person but for removed tickets,
        // so twice the limit is enough.
        let text = format!(
            "SELECT {TICKET_ROW}, {}, i.process FROM (SELECT DISTINCT ticket_id, seq FROM work_audience WHERE key_id = ANY (",
            read::work_column("w")
        );
        let sql = self
            .sql(text, Plan::Walk)
            .arg(ids)
            .push(") ORDER BY ticket_id DESC, seq LIMIT ")
            .arg(i64::from(limit) * 2)
            .push(
                ") a JOIN work w ON w.ticket_id = a.ticket_id AND w.seq = a.seq JOIN ticket t ON t.id = a.ticket_id \
                 JOIN instance i ON i.ticket_id = w.ticket_id AND i.seq = w.instance WHERE ",
            )
            .all(&[rights])
            .push(" ORDER BY a.ticket_id DESC, w.seq LIMIT ")
            .arg(limit);
        let rows = self.server.ask(sql.text, sql.args).await?;
        let row = |r: &PgRow| {
            let Some(ticket) = self.ticket_row(r)? else { return Ok(None) };
            let item = read::work_item(json(r.try_get(12).map_err(error)?)?)?;
            Ok(Some(WorkRow { ticket, item, process: r.try_get(13).map_err(error)? }))
        };
        self.named(&rows, row).await
    }

    async fn incident_list(&self, rights: &Filter, limit: u32) -> Result<Vec<IncidentRow>> {
        let text = "SELECT t.id, t.number, i.body FROM incident i JOIN ticket t ON t.id = i.ticket_id WHERE i.resolved IS NULL AND ";
        let sql = self.sql(text, Plan::Gather).all(&[rights]).push(" ORDER BY i.raised DESC LIMIT ").arg(limit);
        let mut all = vec![];
        for r in self.server.ask(sql.text, sql.args).await? {
            let incident = json(r.try_get(2).map_err(error)?)?;
            all.push(IncidentRow {
                ticket: r.try_get(0).map(TicketId).map_err(error)?,
                number: r.try_get::<String, _>(1).map(TicketNumber::from).map_err(error)?,
                incident,
            });
        }
        Ok(all)
    }

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

    async fn secret_add(&self, kind: SecretKind, hash: Hash, login: &str, csrf: &str, now: Timestamp, expires: Timestamp) -> Result<()> {
        let person = self.person_id(login).await?.ok_or(StoreError::NotFound)?;
        self.secret(kind, hash, person, csrf, micros(now), micros(expires)).await
    }

    async fn login_link_take(&self, hash: Hash, now: Timestamp) -> Result<Option<Login>> {
        let sql = "WITH gone AS (DELETE FROM login_link WHERE hash = $1 AND expires >= $2 RETURNING person_id) \
             SELECT p.login FROM gone JOIN person p ON p.id = gone.person_id";
        let rows = self.server.tell(sql, args![&hash, micros(now)]).await?;
        rows.first().map(|r| r.try_get::<String, _>(0).map(Login::from).map_err(error)).transpose()
    }

    async fn session_get(&self, hash: Hash, now: Timestamp) -> Result<Option<Session>> {
        self.session(hash, now).await
    }

    async fn session_delete(&self, hash: Hash) -> Result<()> {
        self.server.tell("DELETE FROM session WHERE hash = $1", args![&hash]).await.map(|_| ())
    }

    async fn sessions_delete_of(&self, login: &str) -> Result<()> {
        self.secrets_of_delete(login).await
    }

    async fn token_login(&self, hash: Hash) -> Result<Option<String>> {
        let sql = "SELECT p.login FROM api_token a JOIN person p ON p.id = a.person_id WHERE a.hash = $1 AND p.active";
        let rows = self.server.ask(sql, args![&hash]).await?;
        rows.first().map(|r| r.try_get(0).map_err(error)).transpose()
    }

    async fn idempotency_get(&self, login: &str, key: &str) -> Result<Option<Idempotency>> {
        let Some(person) = self.person_id(login).await? else { return Ok(None) };
        let sql = "SELECT body_hash, status, answer FROM idempotency WHERE person_id = $1 AND key = $2";
        let rows = self.server.ask(sql, args![person, key]).await?;
        let Some(r) = rows.first() else { return Ok(None) };
        Ok(Some(Idempotency {
            login: login.into(),
            key: key.to_owned(),
            body_hash: r.try_get(0).and_then(hash).map_err(error)?,
            status: r.try_get::<i64, _>(1).map_err(error)? as u16,
            answer: r.try_get(2).map_err(error)?,
        }))
    }

    async fn idempotency_put(&self, kept: &Idempotency, at: Timestamp) -> Result<()> {
        let person = self.person_id(&kept.login).await?.ok_or(StoreError::NotFound)?;
        let sql = "INSERT INTO idempotency (person_id, key, body_hash, status, answer, at) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT DO NOTHING RETURNING 1";
        let values = args![person, &kept.key, &kept.body_hash, i64::from(kept.status), &kept.answer, micros(at)];
        let rows = self.server.tell(sql, values).await?;
        if rows.is_empty() { Err(StoreError::Conflict) } else { Ok(()) }
    }

    async fn revision_latest(&self) -> Result<Option<Revision>> {
        self.revision_list(1).await.map(|l| l.into_iter().next())
    }

    async fn revision_list(&self, limit: u32) -> Result<Vec<Revision>> {
        let sql = "SELECT id, hash, files, applied, actor, counted FROM revision ORDER BY id DESC LIMIT $1";
        let row = |r: &PgRow| {
            let applied = time(r.try_get(3)?)?;
            Ok(Revision {
                id: r.try_get(0)?,
                hash: r.try_get(1)?,
                files: r.try_get(2)?,
                applied,
                actor: r.try_get(4)?,
                counted: r.try_get(5)?,
            })
        };
        self.server.ask(sql, args![limit]).await?.iter().map(|r| row(r).map_err(error)).collect()
    }

    async fn revision_counted(&self, id: i64) -> Result<()> {
        self.server.tell("UPDATE revision SET counted = true WHERE id = $1", args![id]).await.map(|_| ())
    }

    async fn revision_add(&self, new: NewRevision) -> Result<i64> {
        let mut tx = self.server.begin().await?;
        let (kinds, all): (Vec<&str>, Vec<&str>) = new.names.iter().map(|(k, n)| (*k, n.as_str())).unzip();
        let sql = "INSERT INTO name (kind, name) SELECT a, b FROM unnest($1::text[], $2::text[]) x (a, b) \
             WHERE NOT EXISTS (SELECT 1 FROM name n WHERE n.kind = a AND n.name = b) ORDER BY a, b ON CONFLICT DO NOTHING";
        sqlx::query(sql).bind(kinds).bind(all).execute(&mut *tx).await.map_err(error)?;
        for (hash, name, canonical) in &new.processes {
            let sql = "INSERT INTO process_revision (hash, name, canonical) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            sqlx::query(sql).bind(hash).bind(name).bind(canonical).execute(&mut *tx).await.map_err(error)?;
        }
        let sql = "INSERT INTO revision (hash, files, applied, actor) VALUES ($1, $2, $3, $4) RETURNING id";
        let revision = sqlx::query(sql).bind(&new.hash).bind(&new.files).bind(new.applied.map_or(0, micros)).bind(&new.actor);
        let revision: i64 = revision.fetch_one(&mut *tx).await.and_then(|r| r.try_get(0)).map_err(error)?;
        if let Some(at) = new.applied.filter(|_| new.happens) {
            people::happened(&mut tx, &DeskEvent::DefinitionsApplied { revision, by: new.actor.clone().into() }, at).await?;
        }
        committed(tx).await?;
        migrate::index_fields(&self.server, &new.indexed).await?;
        self.reload().await?;
        Ok(revision)
    }

    async fn pinned_processes(&self) -> Result<Vec<String>> {
        let sql = "SELECT canonical FROM process_revision WHERE hash IN (SELECT DISTINCT hash FROM instance WHERE outcome IS NULL)";
        texts(&self.server.ask(sql, vec![]).await?)
    }

    async fn tickets_on_process(&self, hash: &str) -> Result<Vec<String>> {
        let sql = "SELECT t.number FROM instance i JOIN ticket t ON t.id = i.ticket_id WHERE i.hash = $1 AND i.outcome IS NULL LIMIT 10";
        texts(&self.server.ask(sql, args![hash]).await?)
    }

    async fn names_in_use(&self, kind: &str) -> Result<Vec<(String, Vec<String>)>> {
        let column = match kind {
            "queue" => "queue_id",
            "state" => "state_id",
            "type" => "type_id",
            "priority" => "priority_id",
            _ => return Ok(vec![]),
        };
        let sql = format!(
            "SELECT n.name, u.numbers FROM name n, LATERAL (SELECT array_agg(number) AS numbers FROM \
             (SELECT number FROM ticket WHERE {column} = n.id LIMIT 3) x) u WHERE n.kind = $1 AND u.numbers IS NOT NULL ORDER BY n.id"
        );
        let rows = self.server.ask(sql, args![kind]).await?;
        rows.iter().map(|r| Ok((r.try_get(0).map_err(error)?, r.try_get(1).map_err(error)?))).collect()
    }

    async fn ping(&self) -> Result<()> {
        self.server.ask("SELECT 1", vec![]).await.map(|_| ())
    }
}
