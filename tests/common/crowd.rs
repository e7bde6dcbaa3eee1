//! Callers that work while something breaks, and what they know was acknowledged: the judge of every fault. An operation
//! that was not answered is asked again under the same key, of whichever server answers, until it is.

use super::{Answer, Folder, request, run};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest time that an operation is asked again after the end.
const PATIENCE: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(40);
/// Operations of one caller, so that a test ends whatever happens.
const OPERATIONS_MAX: u64 = 1_000_000;
/// Operations of a round: what one caller does to one ticket.
const ROUND: u64 = 3;
/// Callers that look things up when all is over.
const JUDGES: usize = 4;

#[derive(Default)]
pub struct Journal {
    /// Key → number of the ticket that was acknowledged.
    pub created: BTreeMap<String, String>,
    /// Number → bodies of articles that were acknowledged.
    pub articles: BTreeMap<String, Vec<String>>,
    /// Tickets whose receipts were checked.
    pub checked: BTreeSet<String>,
    /// Creations of which nobody knows whether they happened.
    pub unknown: u64,
    /// What must not be: an answer that contradicts an earlier one.
    pub violations: Vec<String>,
    /// Requests that had to be asked again.
    pub again: u64,
    /// When each operation was acknowledged.
    pub times: Vec<Instant>,
}

pub struct Crowd {
    journal: Arc<Mutex<Journal>>,
    addresses: Arc<RwLock<Vec<String>>>,
    stop: Arc<AtomicBool>,
    /// Microseconds from one round of a caller to its next; 0 for no pause.
    pace: Arc<AtomicU64>,
    workers: Vec<JoinHandle<()>>,
}

/// Whom a caller speaks for.
#[derive(Clone)]
pub struct Tokens {
    pub customer: String,
    pub agent: String,
}

struct Worker {
    name: String,
    tokens: Tokens,
    journal: Arc<Mutex<Journal>>,
    addresses: Arc<RwLock<Vec<String>>>,
    stop: Arc<AtomicBool>,
    pace: Arc<AtomicU64>,
    turn: AtomicU64,
}

impl Crowd {
    pub fn start(name: &str, callers: usize, addresses: Vec<String>, tokens: &Tokens) -> Self {
        let journal: Arc<Mutex<Journal>> = Arc::default();
        let (stop, pace, addresses) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(RwLock::new(addresses)));
        let workers = (0..callers).map(|n| {
            let worker = Worker {
                name: format!("{name}-{n}"),
                tokens: tokens.clone(),
                journal: journal.clone(),
                addresses: addresses.clone(),
                stop: stop.clone(),
                pace: pace.clone(),
                turn: AtomicU64::new(n as u64),
            };
            std::thread::spawn(move || worker.work())
        });
        let workers = workers.collect();
        Self { journal, addresses, stop, pace, workers }
    }

    /// Servers that are asked from now on.
    pub fn moved(&self, addresses: Vec<String>) {
        *self.addresses.write().expect("the addresses") = addresses;
    }

    /// No more than so many operations a second from now on, of all callers.
    pub fn slow_down(&self, rate: u64) {
        let pace = 1_000_000 * ROUND * self.workers.len() as u64 / rate.max(1);
        self.pace.store(pace, Ordering::Relaxed);
    }

    /// Operations acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.journal.lock().expect("the journal").times.len()
    }

    /// Waits until so many more are acknowledged; how long that took. Panics where it takes too long.
    pub fn go_on(&self, more: usize, within: Duration) -> Duration {
        let (begun, before) = (Instant::now(), self.acknowledged());
        while self.acknowledged() < before + more {
            assert!(begun.elapsed() < within, "nothing is acknowledged for {within:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
        begun.elapsed()
    }

    /// Lets every caller finish what it has begun.
    pub fn finish(self) -> Journal {
        self.stop.store(true, Ordering::Relaxed);
        for worker in self.workers {
            worker.join().expect("a caller");
        }
        std::mem::take(&mut *self.journal.lock().expect("the journal"))
    }
}

impl Worker {
    fn ask(&self, token: &str, path: &str, key: &str, body: &str) -> Option<Answer> {
        let auth = format!("Bearer {token}");
        let headers = [("Authorization", auth.as_str()), ("Idempotency-Key", key), ("Content-Type", "application/json")];
        let mut stopped: Option<Instant> = None;
        loop {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) as usize;
            let address = {
                let all = self.addresses.read().expect("the addresses");
                all[turn % all.len()].clone()
            };
            match request(&address, "POST", path, &headers, body.as_bytes()) {
                Some(answer) if answer.status < 500 => return Some(answer),
                _ => {
                    self.journal.lock().expect("the journal").again += 1;
                    std::thread::sleep(PAUSE);
                }
            }
            if self.stop.load(Ordering::Relaxed) && stopped.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                return None;
            }
        }
    }

    fn done(&self, what: &str, answer: Option<Answer>, wanted: u16, note: impl FnOnce(&mut Journal, &Answer)) -> Option<Answer> {
        let answer = answer?;
        let mut journal = self.journal.lock().expect("the journal");
        if answer.status != wanted {
            journal.violations.push(format!("{what}: {} {}", answer.status, answer.body));
            return None;
        }
        journal.times.push(Instant::now());
        note(&mut journal, &answer);
        Some(answer)
    }

    fn work(&self) {
        for i in 0..OPERATIONS_MAX / ROUND {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let begun = Instant::now();
            let key = format!("{}-{i}", self.name);
            self.one(&key);
            let pace = Duration::from_micros(self.pace.load(Ordering::Relaxed));
            std::thread::sleep(pace.saturating_sub(begun.elapsed()));
        }
    }

    /// A process is begun, its ticket gets an article, and its receipts are checked.
    fn one(&self, key: &str) -> Option<()> {
        let body = r#"{"dialog":"hand_in","fields":{"amount":"400.00"},"article":{"body":"Train to Kiel"}}"#;
        let answer = self.ask(&self.tokens.customer, "/api/v1/processes/expense_claim/start", key, body);
        if answer.is_none() {
            self.journal.lock().expect("the journal").unknown += 1;
        }
        let number = |a: &Answer| a.json()["number"].as_str().unwrap_or_default().to_owned();
        let answer = self.done("a start", answer, 201, |j, a| drop(j.created.insert(key.to_owned(), number(a))))?;
        let ticket = number(&answer);
        let text = format!("note {key}");
        let path = format!("/api/v1/tickets/{ticket}/articles");
        let added = self.ask(&self.tokens.customer, &path, &format!("{key}-a"), &format!(r#"{{"body":"{text}"}}"#));
        self.done("an article", added, 201, |j, _| j.articles.entry(ticket.clone()).or_default().push(text))?;
        let work = answer.json()["work"].as_array()?.iter().find(|w| w["activity"] == "check_receipts")?.clone();
        let path = format!("/api/v1/work/{}/submit", work["id"].as_str()?);
        let submitted = self.ask(&self.tokens.agent, &path, &format!("{key}-s"), r#"{"outcome":"good"}"#);
        self.done("a submit", submitted, 200, |j, _| _ = j.checked.insert(ticket))?;
        Some(())
    }
}

/// What the fault did to what was acknowledged.
pub struct Verdict {
    pub acknowledged: usize,
    /// Requests that had to be asked again.
    pub again: u64,
    pub violations: Vec<String>,
}

impl Verdict {
    /// Says how it went, and fails where something was lost or doubled, or too little was done to prove anything.
    pub fn tell(&self, row: &str, recoveries: &[Duration]) {
        let worst = recoveries.iter().max().copied().unwrap_or_default();
        let result = if self.violations.is_empty() { "PASS" } else { "FAIL" };
        println!(
            "{result} {row}: {} faults, {} operations acknowledged, {} violations, worst recovery {worst:.1?}",
            recoveries.len(),
            self.acknowledged,
            self.violations.len()
        );
        assert!(self.violations.is_empty(), "{row}: {:#?}", self.violations);
        assert!(self.acknowledged > 30, "too little was acknowledged to prove anything");
    }
}

/// How often something breaks: in the short form, and with `VORGANG_LONG`.
pub fn long(short: u32, long: u32) -> u32 {
    if std::env::var_os("VORGANG_LONG").is_some() { long } else { short }
}

/// Compares the journal with what is there, and the history with the rows.
pub fn judge(folder: &Folder, address: &str, agent: &str, mut journal: Journal, tickets_before: u64) -> Verdict {
    let mut violations = std::mem::take(&mut journal.violations);
    // Another node may be back already, while the one that is asked is not.
    let begun = Instant::now();
    while request(address, "GET", "/readyz", &[], b"").is_none_or(|a| a.status != 200) {
        assert!(begun.elapsed() < PATIENCE, "{address} does not come back");
        std::thread::sleep(PAUSE);
    }
    let numbers: Vec<&String> = journal.created.values().collect();
    let found: Vec<String> = std::thread::scope(|s| {
        let share = numbers.len().div_ceil(JUDGES).max(1);
        let judges: Vec<_> = numbers.chunks(share).map(|mine| s.spawn(|| missing(address, agent, &journal, mine))).collect();
        judges.into_iter().flat_map(|j| j.join().expect("a judge")).collect()
    });
    violations.extend(found);
    let (code, out, err) = run(&folder.0, &["audit", "verify", "--format", "json"]);
    if code != 0 {
        violations.push(format!("the history: {out}{err}"));
    }
    let report: serde_json::Value = serde_json::from_str(&out).unwrap_or_default();
    let made = report["tickets"].as_u64().unwrap_or(0).saturating_sub(tickets_before);
    let created = journal.created.len() as u64;
    if made < created || made > created + journal.unknown {
        violations.push(format!("{created} tickets were acknowledged, {} may be, {made} are there", journal.unknown));
    }
    Verdict { acknowledged: journal.times.len(), again: journal.again, violations }
}

/// What of these tickets' acknowledged operations is not there, or there twice.
fn missing(address: &str, agent: &str, journal: &Journal, numbers: &[&String]) -> Vec<String> {
    let auth = format!("Bearer {agent}");
    let get = |path: String| request(address, "GET", &path, &[("Authorization", &auth)], b"").filter(|a| a.status == 200);
    let mut violations = vec![];
    for number in numbers {
        let (Some(ticket), Some(articles)) = (get(format!("/api/v1/tickets/{number}")), get(format!("/api/v1/tickets/{number}/articles")))
        else {
            violations.push(format!("the acknowledged ticket {number} is missing"));
            continue;
        };
        let articles = articles.json();
        let bodies: Vec<&str> = articles["items"].as_array().into_iter().flatten().filter_map(|a| a["body"].as_str()).collect();
        for wanted in journal.articles.get(*number).into_iter().flatten() {
            match bodies.iter().filter(|b| *b == wanted).count() {
                1 => {}
                n => violations.push(format!("the acknowledged article `{wanted}` of {number} is there {n} times")),
            }
        }
        if journal.checked.contains(*number) {
            let ticket = ticket.json();
            let activities: Vec<&str> = ticket["work"].as_array().into_iter().flatten().filter_map(|w| w["activity"].as_str()).collect();
            if activities.contains(&"check_receipts") || activities.iter().filter(|a| **a == "decided").count() != 1 {
                violations.push(format!("the acknowledged check of {number} is not what it should be: {activities:?}"));
            }
        }
    }
    violations
}
