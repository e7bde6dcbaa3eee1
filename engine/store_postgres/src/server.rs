//! The way to the server that takes writes. A URL may name several hosts: one of them is the primary, and after a
//! fail-over it is another one.

use crate::arg::Arg;
use crate::rows::{error, lost};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool, Row};
use std::borrow::Cow;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use vorgang_store::{Result, StoreError};

/// Connections of one node, beside its writers'.
const CONNECTIONS: u32 = 8;

/// How long one is waited for.
const CONNECT: Duration = Duration::from_secs(3);

/// A server that says nothing for so long is gone: without this a host that vanished would be waited for by TCP alone.
const ANSWER: Duration = Duration::from_secs(5);

/// Nothing takes longer than this.
const SLOWEST: Duration = Duration::from_secs(60);

/// How long it is tried to find a server that takes writes, before whoever asks is told that there is none.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Without a server for so long, whoever asks is told at once.
const GIVEN_UP: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);

/// PostgreSQL 15.
const VERSION_MIN: i32 = 150_000;

/// Who takes writes now.
pub struct Primary {
    pool: PgPool,
    options: PgConnectOptions,
    /// Grows with every fail-over of the server.
    timeline: u32,
    /// Grows with every change of the primary, as seen from here.
    generation: u64,
}

pub struct Server {
    hosts: Vec<PgConnectOptions>,
    primary: RwLock<Arc<Primary>>,
    /// One task looks for the primary, the others wait for what it finds.
    looking: tokio::sync::Mutex<()>,
    /// Since when there is none.
    down: RwLock<Option<Instant>>,
}

fn unavailable(e: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(e.to_string())
}

/// One set of options for each host of `postgres://USER@HOST:PORT,HOST:PORT/DATABASE?…`.
pub fn hosts(url: &str) -> std::result::Result<Vec<PgConnectOptions>, String> {
    let (scheme, rest) = url.split_once("://").ok_or("a URL begins with postgres://")?;
    // A password may have any sign, if only the last `@` is not its own.
    let (user, rest) = rest.rsplit_once('@').map_or(("", rest), |(user, rest)| (user, rest));
    let (hosts, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~%!$&'()*+,;=:".contains(c);
    let mut encoded = String::new();
    for c in user.chars() {
        match plain(c) {
            true => encoded.push(c),
            false => c.to_string().bytes().for_each(|b| encoded.push_str(&format!("%{b:02X}"))),
        }
    }
    let user = if user.is_empty() { encoded } else { encoded + "@" };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    if path.trim_start_matches('/').is_empty() {
        return Err("it names no database, as in postgres://USER@HOST/DATABASE".into());
    }
    // Whatever it says: the one that takes writes is looked for.
    let query: Vec<&str> = query.split('&').filter(|p| !p.is_empty() && !p.starts_with("target_session_attrs=")).collect();
    let settings = [
        ("jit", "off"),
        ("client_min_messages", "warning"),
        ("statement_timeout", "60s"),
        ("lock_timeout", "10s"),
        // A node that stands still keeps nobody waiting for what it has locked.
        ("idle_in_transaction_session_timeout", "5s"),
        ("client_connection_check_interval", "5s"),
    ];
    let one = |host: &str| {
        let url = format!("{scheme}://{user}{host}{path}?{}", query.join("&"));
        let options = PgConnectOptions::from_str(url.trim_end_matches('?')).map_err(|e| e.to_string())?;
        Ok(options.application_name("vorgang").statement_cache_capacity(512).options(settings).disable_statement_logging())
    };
    hosts.split(',').map(one).collect()
}

/// What the database says, or what keeps us from asking it.
fn said(e: &sqlx::Error) -> String {
    match e {
        sqlx::Error::Database(e) => e.message().to_owned(),
        e => e.to_string(),
    }
}

/// A connection to a server that can be used, and its timeline.
async fn connect(options: &PgConnectOptions) -> Result<Opened> {
    let name = format!("{}:{}", options.get_host(), options.get_port());
    timeout(CONNECT, open(options, &name)).await.map_err(|_| unavailable(format!("{name} does not answer")))?
}

/// A connection, and what its server is.
struct Opened {
    connection: PgConnection,
    timeline: u32,
    /// By the server's default, what is acknowledged may not be on disk.
    lazy: bool,
}

async fn open(options: &PgConnectOptions, name: &str) -> Result<Opened> {
    let mut connection = PgConnection::connect_with(options).await.map_err(|e| unavailable(format!("{name}: {}", said(&e))))?;
    let sql = "SELECT pg_is_in_recovery(), current_setting('server_version_num')::int, current_setting('synchronous_commit'), \
         current_setting('server_encoding'), CASE WHEN pg_is_in_recovery() THEN 0 ELSE \
         ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END";
    let row = sqlx::query(sql).fetch_one(&mut connection).await.map_err(|e| unavailable(format!("{name}: {e}")))?;
    let (standby, version, encoding): (bool, i32, String) =
        (row.try_get(0).map_err(error)?, row.try_get(1).map_err(error)?, row.try_get(3).map_err(error)?);
    if version < VERSION_MIN {
        return Err(unavailable(format!("{name} is PostgreSQL {}; 15 or newer is needed", version / 10_000)));
    }
    if encoding != "UTF8" {
        return Err(unavailable(format!("{name}: the database's encoding is {encoding}; it has to be UTF8")));
    }
    if standby {
        return Err(unavailable(format!("{name} is a standby, which takes no writes; name the primary")));
    }
    // What is acknowledged is on disk, whatever the server's default.
    let lazy = row.try_get::<String, _>(2).map_err(error)? == "off";
    if lazy {
        sqlx::query("SET synchronous_commit = on").execute(&mut connection).await.map_err(error)?;
    }
    let timeline: i32 = row.try_get(4).map_err(error)?;
    Ok(Opened { connection, timeline: timeline as u32, lazy })
}

impl Primary {
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Those in use, and all.
    pub fn connections(&self) -> (usize, usize) {
        let all = self.pool.size() as usize;
        (all.saturating_sub(self.pool.num_idle()), all)
    }
}

impl Server {
    pub async fn open(url: &str) -> Result<Self> {
        let hosts = hosts(url).map_err(|e| unavailable(format!("the URL cannot be used: {e}")))?;
        let primary = RwLock::new(Arc::new(find(&hosts, None).await?));
        Ok(Self { hosts, primary, looking: tokio::sync::Mutex::default(), down: RwLock::new(None) })
    }

    pub fn primary(&self) -> Arc<Primary> {
        self.primary.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A connection for a writer, and the generation that it belongs to.
    pub async fn connection(&self) -> Result<(PgConnection, u64)> {
        let primary = self.primary();
        match connect(&primary.options).await {
            Ok(opened) if opened.timeline >= primary.timeline => Ok((opened.connection, primary.generation)),
            _ => {
                self.moved(primary.generation).await?;
                let primary = self.primary();
                connect(&primary.options).await.map(|o| (o.connection, primary.generation))
            }
        }
    }

    /// The primary of this generation is of no more use: finds the one that is.
    pub async fn moved(&self, generation: u64) -> Result<()> {
        let _looking = self.looking.lock().await;
        let before = self.primary();
        if before.generation > generation {
            return Ok(());
        }
        let found = find(&self.hosts, Some(&before)).await;
        {
            let mut down = self.down.write().unwrap_or_else(PoisonError::into_inner);
            *down = if found.is_ok() { None } else { Some(down.unwrap_or_else(Instant::now)) };
        }
        let found = found?;
        let at = |o: &PgConnectOptions| format!("{}:{}", o.get_host(), o.get_port());
        if at(&found.options) != at(&before.options) || found.timeline != before.timeline {
            tracing::warn!(host = at(&found.options), timeline = found.timeline, "another server takes the writes now");
        }
        *self.primary.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(found);
        // Connections to the old one may still answer, with what was true once.
        tokio::spawn(async move { before.pool.close().await });
        Ok(())
    }

    /// Is there no server, and has not been for a while? Then nobody is kept waiting; the node's beat looks for one.
    pub fn check(&self) -> Result<()> {
        match *self.down.read().unwrap_or_else(PoisonError::into_inner) {
            Some(since) if since.elapsed() > GIVEN_UP => Err(unavailable("no server answers that takes writes")),
            _ => Ok(()),
        }
    }

    /// The node's beat: looks for a server where there is none.
    pub async fn find_primary(&self) -> Result<()> {
        if self.check().is_err() { self.moved(self.primary().generation).await } else { Ok(()) }
    }

    /// Hosts of the URL that do not answer, with why. A standby answers.
    pub async fn silent(&self) -> Vec<String> {
        let mut silent = vec![];
        for host in &self.hosts {
            let name = format!("{}:{}", host.get_host(), host.get_port());
            match timeout(CONNECT, PgConnection::connect_with(host)).await {
                Ok(Ok(connection)) => drop(connection.close().await),
                Ok(Err(e)) => silent.push(format!("{name}: {}", said(&e))),
                Err(_) => silent.push(format!("{name} does not answer")),
            }
        }
        silent
    }

    /// Does the primary take a new connection?
    async fn answers(&self) -> bool {
        match connect(&self.primary().options).await {
            Ok(opened) => opened.timeline >= self.primary().timeline,
            Err(_) => false,
        }
    }

    /// Waits as long as the server is there: one that is slow is not one that is gone. `None` where it is, or for too long.
    pub async fn patient<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let begun = Instant::now();
        let mut work = std::pin::pin!(work);
        loop {
            if let Ok(done) = timeout(ANSWER, &mut work).await {
                return Some(done);
            }
            if begun.elapsed() > SLOWEST || !self.answers().await {
                return None;
            }
        }
    }

    /// One statement. Where the server is gone it is asked again, if asking twice does no harm.
    async fn execute(&self, sql: Cow<'static, str>, args: &[Arg], twice: bool, kept: bool) -> Result<Vec<PgRow>> {
        vorgang_store::count_query();
        tracing::trace!(target: "vorgang::sql", "{sql}");
        let begun = Instant::now();
        loop {
            self.check()?;
            let primary = self.primary();
            let asked = async {
                let mut connection = primary.pool.acquire().await.map_err(|e| (e, false))?;
                let mut query = sqlx::query(AssertSqlSafe(sql.to_string())).persistent(kept);
                for arg in args {
                    query = arg.bind(query);
                }
                let rows = query.fetch_all(&mut *connection).await;
                if rows.as_ref().is_err_and(lost) {
                    // Nobody gets this connection again.
                    drop(connection.detach());
                }
                rows.map_err(|e| (e, true))
            };
            let (e, sent) = match self.patient(asked).await {
                Some(Ok(rows)) => return Ok(rows),
                // Others have them all: that says nothing of the server.
                Some(Err((sqlx::Error::PoolTimedOut, _))) if self.answers().await => {
                    return Err(StoreError::Busy("too many wait for the database".into()));
                }
                Some(Err((e, sent))) => (e, sent),
                None => (sqlx::Error::Io(std::io::Error::other("no answer in time")), true),
            };
            if lost(&e) && sent && !twice {
                return Err(StoreError::Unknown(e.to_string()));
            }
            if !lost(&e) || begun.elapsed() > PATIENCE {
                return Err(error(e));
            }
            if self.moved(primary.generation).await.is_err() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// A question, which may be asked twice.
    pub async fn ask(&self, sql: impl Into<Cow<'static, str>>, args: Vec<Arg>) -> Result<Vec<PgRow>> {
        self.execute(sql.into(), &args, true, true).await
    }

    /// A question whose plan depends on what is asked.
    pub async fn ask_once(&self, sql: impl Into<Cow<'static, str>>, args: Vec<Arg>) -> Result<Vec<PgRow>> {
        self.execute(sql.into(), &args, true, false).await
    }

    /// A change.
    pub async fn tell(&self, sql: impl Into<Cow<'static, str>>, args: Vec<Arg>) -> Result<Vec<PgRow>> {
        self.execute(sql.into(), &args, false, true).await
    }

    /// A change of several statements.
    pub async fn begin(&self) -> Result<sqlx::Transaction<'static, sqlx::Postgres>> {
        let begun = Instant::now();
        loop {
            self.check()?;
            let primary = self.primary();
            let begun_now = timeout(ANSWER, primary.pool.begin()).await;
            match begun_now.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::Error::other("no answer in time")))) {
                Ok(transaction) => return Ok(transaction),
                Err(e) if lost(&e) && begun.elapsed() < PATIENCE => {
                    if self.moved(primary.generation).await.is_err() {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                Err(e) => return Err(error(e)),
            }
        }
    }
}

/// The primary. An old one that came back says that it is one too: the one with the newest timeline is.
async fn find(hosts: &[PgConnectOptions], before: Option<&Primary>) -> Result<Primary> {
    let timeline_min = before.map_or(0, |p| p.timeline);
    let mut asked = JoinSet::new();
    for (i, options) in hosts.iter().cloned().enumerate() {
        asked.spawn(async move { (i, connect(&options).await) });
    }
    let mut best: Option<(u32, usize)> = None;
    let mut why: Vec<(usize, String)> = vec![];
    let mut lazy = vec![false; hosts.len()];
    while let Some(answer) = asked.join_next().await {
        match answer {
            Ok((i, Ok(Opened { connection, timeline, lazy: is_lazy }))) => {
                let _ = connection.close().await;
                lazy[i] = is_lazy;
                if timeline < timeline_min {
                    why.push((i, format!("{}:{} was the primary once, and is behind", hosts[i].get_host(), hosts[i].get_port())));
                } else if best.is_none_or(|(newest, at)| (timeline, at) > (newest, i)) {
                    best = Some((timeline, i));
                }
            }
            Ok((i, Err(StoreError::Unavailable(text)))) => why.push((i, text)),
            Ok((i, Err(e))) => why.push((i, e.to_string())),
            Err(e) => why.push((hosts.len(), e.to_string())),
        }
    }
    let Some((timeline, at)) = best else {
        why.sort();
        return Err(unavailable(why.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("; ")));
    };
    let mut options = hosts[at].clone();
    if lazy[at] {
        options = options.options([("synchronous_commit", "on")]);
    }
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(CONNECT)
        .test_before_acquire(false)
        .connect_lazy_with(options.clone());
    Ok(Primary { pool, options, timeline, generation: before.map_or(0, |p| p.generation + 1) })
}

/// Longest time of a transaction of several statements.
const TRANSACTION: std::time::Duration = std::time::Duration::from_secs(60);

/// A transaction of several statements: whoever waits for a server that has vanished stops some time.
pub(crate) async fn bounded<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let none = || StoreError::Unknown("no answer in time".into());
    tokio::time::timeout(TRANSACTION, work).await.map_err(|_| none())?
}

#[cfg(test)]
mod tests {
    use super::hosts;

    #[test]
    fn a_url_names_hosts() {
        let all = hosts("postgres://me:p%40@db1:5433,db2/desk?sslmode=disable&target_session_attrs=read-write").expect("a URL");
        let seen: Vec<_> = all.iter().map(|o| (o.get_host(), o.get_port(), o.get_username(), o.get_database())).collect();
        assert_eq!(seen, [("db1", 5433, "me", Some("desk")), ("db2", 5432, "me", Some("desk"))]);
        let odd = hosts("postgres://me:p@s/w#r?d@db1/desk").expect("a URL");
        assert_eq!((odd[0].get_host(), odd[0].get_database()), ("db1", Some("desk")));
        assert!(hosts("postgres://me@db1").is_err_and(|e| e.contains("names no database")));
        assert!(hosts("postgres://me@db1:port/desk").is_err());
    }
}
