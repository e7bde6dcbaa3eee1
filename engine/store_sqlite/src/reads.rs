//! Reads. Short ones run on the caller's thread, as handing them over would cost more than they do. A read that takes longer is
//! stopped and begun again on a connection for long ones, while another thread goes on with the runtime's work; there it has a bound
//! of time.

use crate::{connection, rows};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;
use vorgang_store::{Result, StoreError};

/// Connections for reads that are short, or that read a bounded number of rows.
const SHORT_READERS: usize = 4;

/// Long reads at the same time; others wait. Their connections are opened when they are first needed.
const LONG_READERS: usize = 4;

/// How long a read may keep the caller's thread.
const SHORT: Duration = Duration::from_millis(5);

/// How long a page or an answer waits for a read.
pub const PAGE: Duration = Duration::from_secs(10);

/// How long a read may take for which no person waits.
pub const LANE: Duration = Duration::from_secs(600);

/// SQLite's virtual machine looks at the clock after so many of its instructions.
const INSTRUCTIONS: i32 = 200;

/// Kinds of reads whose work grows with the database. A kind whose last read was long is not tried as a short one.
#[derive(Clone, Copy)]
pub enum Kind {
    Articles,
    Counts,
    Incidents,
    JobTickets,
    Links,
    Log,
    Mail,
    Names,
    Scan,
    Tickets,
    Words,
    Work,
}

const KINDS: usize = Kind::Work as usize + 1;

/// Stops a connection's statement when its time is over.
struct Watch {
    from: Instant,
    /// Microseconds after `from`; the largest number where there is no bound.
    until: AtomicU64,
    stopped: AtomicBool,
}

impl Watch {
    fn on(connection: &mut Connection) -> Result<Arc<Self>> {
        let new = Self { from: Instant::now(), until: AtomicU64::new(u64::MAX), stopped: AtomicBool::new(false) };
        let watch = Arc::new(new);
        let own = watch.clone();
        let is_over = move || {
            let until = own.until.load(Ordering::Relaxed);
            let over = until != u64::MAX && own.from.elapsed().as_micros() as u64 >= until;
            if over {
                own.stopped.store(true, Ordering::Relaxed);
            }
            over
        };
        connection.progress_handler(INSTRUCTIONS, Some(is_over)).map_err(rows::error)?;
        Ok(watch)
    }

    /// Bounds what the connection does as long as the guard lives.
    fn bound(&self, within: Duration) -> Bound<'_> {
        self.stopped.store(false, Ordering::Relaxed);
        self.until.store((self.from.elapsed() + within).as_micros() as u64, Ordering::Relaxed);
        Bound(self)
    }
}

struct Bound<'a>(&'a Watch);

impl Bound<'_> {
    fn has_stopped_it(&self) -> bool {
        self.0.stopped.load(Ordering::Relaxed)
    }
}

impl Drop for Bound<'_> {
    fn drop(&mut self) {
        self.0.until.store(u64::MAX, Ordering::Relaxed);
    }
}

struct Reader {
    connection: Connection,
    watch: Arc<Watch>,
}

impl Reader {
    fn open(path: &Path) -> Result<Self> {
        let mut connection = connection::reader(path)?;
        let watch = Watch::on(&mut connection)?;
        Ok(Self { connection, watch })
    }
}

pub struct Readers {
    path: PathBuf,
    short: Vec<(Mutex<Connection>, Arc<Watch>)>,
    turn: AtomicUsize,
    long: Vec<Mutex<Option<Reader>>>,
    places: Semaphore,
    was_long: [AtomicBool; KINDS],
}

impl Readers {
    pub fn open(path: &Path) -> Result<Self> {
        let short = |_| Reader::open(path).map(|r| (Mutex::new(r.connection), r.watch));
        Ok(Self {
            path: path.to_owned(),
            short: (0..SHORT_READERS).map(short).collect::<Result<_>>()?,
            turn: AtomicUsize::new(0),
            long: (0..LONG_READERS).map(|_| Mutex::new(None)).collect(),
            places: Semaphore::new(LONG_READERS),
            was_long: Default::default(),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Connections that somebody reads on now, and all.
    pub fn in_use(&self) -> (usize, usize) {
        let short = self.short.iter().filter(|(reader, _)| reader.try_lock().is_err()).count();
        (short + LONG_READERS - self.places.available_permits(), SHORT_READERS + LONG_READERS)
    }

    /// A connection for a read of few rows.
    pub fn short(&self) -> MutexGuard<'_, Connection> {
        self.any().0
    }

    fn any(&self) -> (MutexGuard<'_, Connection>, &Watch) {
        // The first that is free: a commit empties the page cache of every connection, and the one that was just used has filled
        // its own again.
        let free = self.short.iter().find_map(|(reader, watch)| reader.try_lock().ok().map(|c| (c, &**watch)));
        free.unwrap_or_else(|| {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            let (reader, watch) = &self.short[turn % self.short.len()];
            (reader.lock().unwrap_or_else(PoisonError::into_inner), watch)
        })
    }

    /// Reads within a bound of time, and does not keep the caller's thread for more than a few milliseconds.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when it takes longer, or as many other long reads do.
    pub async fn read<T>(&self, kind: Kind, within: Duration, read: impl Fn(&Connection) -> Result<T> + Send + Sync) -> Result<T> {
        let was_long = &self.was_long[kind as usize];
        if !was_long.load(Ordering::Relaxed) {
            let (connection, watch) = self.any();
            let bound = watch.bound(SHORT);
            let result = read(&connection);
            if result.is_ok() || !bound.has_stopped_it() {
                return result;
            }
        }
        let too_long = || StoreError::Busy(format!("a read was stopped after {} s", within.as_secs()));
        metrics::counter!("vorgang_long_reads_total").increment(1);
        let begun = Instant::now();
        let _place = match tokio::time::timeout(within, self.places.acquire()).await {
            Ok(Ok(place)) => place,
            Ok(Err(_)) | Err(_) => return Err(too_long()),
        };
        // There are as many connections as places: one is free.
        let mut reader = self.long.iter().find_map(|l| l.try_lock().ok()).ok_or_else(too_long)?;
        let result = off_the_runtime(|| {
            let reader = match &mut *reader {
                Some(reader) => reader,
                none => none.insert(Reader::open(&self.path)?),
            };
            let begun = Instant::now();
            let bound = reader.watch.bound(within);
            let result = read(&reader.connection);
            was_long.store(begun.elapsed() > SHORT / 2, Ordering::Relaxed);
            if result.is_err() && bound.has_stopped_it() { Err(too_long()) } else { result }
        });
        if matches!(result, Err(StoreError::Busy(_))) {
            tracing::warn!(seconds = begun.elapsed().as_secs(), "a read of the database took too long");
        }
        result
    }
}

/// Lets another thread go on with the runtime's work meanwhile. A runtime of one thread has no other: tests, and commands.
fn off_the_runtime<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|h| h.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readers(name: &str) -> (PathBuf, Arc<Readers>) {
        let path = std::env::temp_dir().join(format!("vorgang-reads-{name}-{}.db", std::process::id()));
        Connection::open(&path).and_then(|c| c.execute_batch("CREATE TABLE IF NOT EXISTS t (i)")).expect("a database");
        let readers = Arc::new(Readers::open(&path).expect("readers"));
        (path, readers)
    }

    fn endless(c: &Connection) -> Result<i64> {
        let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
        c.query_row(sql, [], |r| r.get(0)).map_err(rows::error)
    }

    fn short(c: &Connection) -> Result<i64> {
        c.query_row("SELECT 1", [], |r| r.get(0)).map_err(rows::error)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_long_read_keeps_no_thread_of_the_runtime_and_has_an_end() {
        let (path, readers) = readers("long");
        let own = readers.clone();
        let reading = tokio::spawn(async move { own.read(Kind::Scan, Duration::from_secs(2), endless).await });
        // The one thread comes to this only when the read before it has given it up.
        tokio::spawn(async {}).await.expect("it runs");
        assert!(!reading.is_finished(), "others go on while it reads");
        assert!(matches!(reading.await.expect("it ends"), Err(StoreError::Busy(_))));
        // Its connections go on working, and the kind is tried as a short one again once it is short.
        assert!(readers.was_long[Kind::Scan as usize].load(Ordering::Relaxed));
        assert_eq!(readers.read(Kind::Scan, PAGE, short).await, Ok(1));
        assert!(!readers.was_long[Kind::Scan as usize].load(Ordering::Relaxed));
        assert_eq!(readers.read(Kind::Scan, PAGE, short).await, Ok(1));
        let _ = std::fs::remove_file(path);
    }

    #[tokio::test]
    async fn short_reads_go_on_while_all_places_for_long_ones_are_taken() {
        let (path, readers) = readers("places");
        let _places = readers.places.acquire_many(LONG_READERS as u32).await.expect("the places");
        assert!(matches!(readers.read(Kind::Words, Duration::from_millis(20), endless).await, Err(StoreError::Busy(_))));
        assert_eq!(readers.read(Kind::Tickets, PAGE, short).await, Ok(1));
        let _ = std::fs::remove_file(path);
    }
}
