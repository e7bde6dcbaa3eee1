//! Callers that work while something breaks, and what they know was acknowledged: the judge of every fault. An operation
//! that was not answered is asked again under the same key, of whichever server answers, until it is. Some articles are added
//! without a key, and asked for once.

pub mod journal;
pub mod judge;
pub mod scene;

use journal::{Alone, Deed, Done, Journal, Outcome};
use scene::Scene;

use super::{Answer, request};
use base64::Engine;
use serde_json::{Value as Json, json};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest time that an operation is asked again after the end.
const PATIENCE: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(40);
/// Rounds of one caller, so that a test ends whatever happens.
const ROUNDS_MAX: u64 = 300_000;
/// Operations of a round, on average: what one caller does to one ticket.
const ROUND: u64 = 5;
/// Share of files that are too large for the database: one of eight.
const LARGE_EVERY: u64 = 8;
const LARGE: usize = 70_000;
/// The problem type (RFC 9457) of an answer that does not know what was done.
const OUTCOME_UNKNOWN: &str = "urn:vorgang:problem:outcome-unknown";

pub struct Crowd {
    journal: Arc<Mutex<Journal>>,
    addresses: Arc<RwLock<Vec<String>>>,
    stop: Arc<AtomicBool>,
    /// Microseconds from one round of a caller to its next; 0 for no pause.
    pace: Arc<AtomicU64>,
    workers: Vec<JoinHandle<()>>,
}

struct Worker {
    name: String,
    scene: Scene,
    journal: Arc<Mutex<Journal>>,
    addresses: Arc<RwLock<Vec<String>>>,
    stop: Arc<AtomicBool>,
    pace: Arc<AtomicU64>,
    turn: AtomicU64,
}

impl Crowd {
    pub fn start(name: &str, callers: usize, addresses: Vec<String>, scene: &Scene) -> Self {
        let journal: Arc<Mutex<Journal>> = Arc::default();
        let (stop, pace, addresses) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(RwLock::new(addresses)));
        let workers = (0..callers).map(|n| {
            let worker = Worker {
                name: format!("{name}-{n}"),
                scene: scene.clone(),
                journal: journal.clone(),
                addresses: addresses.clone(),
                stop: stop.clone(),
                pace: pace.clone(),
                turn: AtomicU64::new(n as u64),
            };
            std::thread::spawn(move || worker.work(n as u64))
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
        self.journal.lock().expect("the journal").done.len()
    }

    /// Requests that had to be asked again so far.
    pub fn refused(&self) -> u64 {
        self.journal.lock().expect("the journal").again
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

/// An operation was given up, or its answer was wrong: the round ends.
struct GivenUp;

impl Worker {
    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().expect("the journal")
    }

    fn address(&self) -> String {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) as usize;
        let all = self.addresses.read().expect("the addresses");
        all[turn % all.len()].clone()
    }

    /// Until it returns something. Only an answer that says so, or none at all, is a reason to try again: 503 of the server, 502 and
    /// 504 of what stands before it. A 500 is none.
    fn until<T>(&self, once: impl Fn() -> Option<T>) -> Option<T> {
        let mut stopped: Option<Instant> = None;
        loop {
            if let Some(answer) = once() {
                return Some(answer);
            }
            self.journal().again += 1;
            std::thread::sleep(PAUSE);
            if self.stop.load(Ordering::Relaxed) && stopped.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                return None;
            }
        }
    }

    fn once(&self, method: &str, token: &str, path: &str, key: Option<&str>, body: &Json) -> Option<Answer> {
        let auth = format!("Bearer {token}");
        let mut headers = vec![("Authorization", auth.as_str()), ("Content-Type", "application/json")];
        headers.extend(key.map(|k| ("Idempotency-Key", k)));
        request(&self.address(), method, path, &headers, body.to_string().as_bytes())
    }

    /// Asks under a key until there is an answer, and notes the deed if it is what is wanted.
    fn ask(&self, what: &Asked, deed: impl FnOnce(&Json) -> Deed) -> Result<Json, GivenUp> {
        let (method, path) = what.ask;
        let key = format!("{}-{}", what.mark, path.rsplit('/').next().unwrap_or_default()) + what.more;
        let answer = self.until(|| {
            let answer = self.once(method, what.token, path, Some(&key), &what.body);
            answer.filter(|a| !matches!(a.status, 502..=504))
        });
        let answer = answer.ok_or(GivenUp)?;
        let mut journal = self.journal();
        if !(200..300).contains(&answer.status) {
            journal.violations.push(format!("{method} {path} for {}: {} {}", what.mark, answer.status, answer.body));
            return Err(GivenUp);
        }
        let said = answer.json();
        journal.done.push(Done { at: Instant::now(), mark: what.mark.to_owned(), deed: deed(&said) });
        Ok(said)
    }

    /// An article without a key: asked for once, whatever comes.
    fn alone(&self, mark: &str, number: &str) {
        let (path, text) = (format!("/api/v1/tickets/{number}/articles"), format!("alone {mark}"));
        let answer = self.once("POST", &self.scene.customer, &path, None, &json!({"body": text}));
        let outcome = match &answer {
            Some(a) if a.status == 201 => Outcome::Done,
            Some(a) if a.status == 503 && a.json()["type"] != OUTCOME_UNKNOWN => Outcome::Refused,
            Some(a) if !matches!(a.status, 502..=504) => {
                return self.journal().violations.push(format!("{text}: {} {}", a.status, a.body));
            }
            _ => Outcome::Unknown,
        };
        self.journal().alone.push(Alone { at: Instant::now(), number: number.to_owned(), text, outcome });
    }

    fn work(&self, place: u64) {
        for i in 0..ROUNDS_MAX {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let begun = Instant::now();
            let mark = format!("{}-{i}", self.name);
            // Callers do the same in another order.
            let _ = match (i + place) % 8 {
                2 | 6 => self.delivery(&mark),
                4 => self.mail(&mark),
                kind => self.claim(&mark, (i + place) / 8 % LARGE_EVERY == kind),
            };
            let pace = Duration::from_micros(self.pace.load(Ordering::Relaxed));
            std::thread::sleep(pace.saturating_sub(begun.elapsed()));
        }
    }

    fn begin(&self, mark: &str, process: &str, file: Option<String>, fields: Json) -> Result<(String, Json), GivenUp> {
        let path = format!("/api/v1/processes/{process}/start");
        let body = form(&fields, file.as_deref());
        let asked = Asked { token: &self.scene.customer, mark, ask: ("POST", &path), more: "", body };
        let number = |a: &Json| a["number"].as_str().unwrap_or_default().to_owned();
        let answer = self.ask(&asked, |a| Deed::Begun { number: number(a), file });
        if answer.is_err() {
            self.journal().unknown.push(mark.to_owned());
        }
        answer.map(|a| (number(&a), a))
    }

    /// A claim is handed in with a file, changed, written about, checked, and approved by two.
    fn claim(&self, mark: &str, large: bool) -> Result<(), GivenUp> {
        let file = if large { mark.repeat(LARGE / mark.len() + 1) } else { mark.to_owned() };
        let (number, ticket) = self.begin(mark, "expense_claim", Some(file), json!({"amount": "400.00", "mark": mark}))?;
        let path = format!("/api/v1/tickets/{number}");
        let body = json!({"fields": {"patched": mark}});
        self.ask(&Asked { token: &self.scene.agent, mark, ask: ("PATCH", &path), more: "", body }, |_| Deed::Patched)?;
        let (path, text) = (format!("{path}/articles"), format!("note {mark}"));
        let asked = Asked { token: &self.scene.customer, mark, ask: ("POST", &path), more: "", body: json!({"body": text}) };
        self.ask(&asked, |_| Deed::Noted(text))?;
        self.alone(mark, &number);
        let path = submit(&ticket, "check").ok_or(GivenUp)?;
        let asked = Asked { token: &self.scene.agent, mark, ask: ("POST", &path), more: "", body: json!({"outcome": "good"}) };
        let ticket = self.ask(&asked, |_| Deed::Checked)?;
        let path = submit(&ticket, "approve").ok_or(GivenUp)?;
        for (token, more) in self.scene.managers.iter().zip(["-1", "-2"]) {
            self.ask(&Asked { token, mark, ask: ("POST", &path), more, body: json!({"outcome": "approve"}) }, |_| Deed::Voted)?;
        }
        Ok(())
    }

    /// A delivery waits for its parcel; the parcel comes as a message.
    fn delivery(&self, mark: &str) -> Result<(), GivenUp> {
        let (number, _) = self.begin(mark, "delivery", None, json!({"mark": mark}))?;
        let asked = Asked { token: &self.scene.agent, mark, ask: ("POST", "/api/v1/events/parcel"), more: "", body: json!({"mark": mark}) };
        self.ask(&asked, |_| Deed::Sent)?;
        self.alone(mark, &number);
        Ok(())
    }

    /// A mail comes in, where there is a door for it.
    fn mail(&self, mark: &str) -> Result<(), GivenUp> {
        let Some(door) = &self.scene.door else { return self.delivery(mark) };
        if self.until(|| self.scene.bring(door, mark).filter(|taken| *taken)).is_none() {
            self.journal().unknown.push(mark.to_owned());
            return Err(GivenUp);
        }
        self.journal().done.push(Done { at: Instant::now(), mark: mark.to_owned(), deed: Deed::Mailed });
        Ok(())
    }
}

/// The form that begins a process.
fn form(fields: &Json, file: Option<&str>) -> Json {
    let attachment = |f: &str| {
        let content = base64::engine::general_purpose::STANDARD.encode(f);
        json!({"name": "receipt.txt", "content_type": "text/plain", "content": content})
    };
    let files: Vec<Json> = file.into_iter().map(attachment).collect();
    json!({"dialog": "hand_in", "fields": fields, "article": {"body": "Train to Kiel", "attachments": files}})
}

/// Asks again for the first of the deliveries, under the same keys: the answer names the same ticket. How many were asked for.
pub fn ask_again(address: &str, scene: &Scene, journal: &Journal, most: usize) -> usize {
    let begun = journal.done.iter().filter_map(|d| match &d.deed {
        Deed::Begun { number, file: None } => Some((&d.mark, number)),
        _ => None,
    });
    let auth = format!("Bearer {}", scene.customer);
    let mut asked = 0;
    for (mark, number) in begun.take(most) {
        let key = format!("{mark}-start");
        let headers = [("Authorization", auth.as_str()), ("Idempotency-Key", &key), ("Content-Type", "application/json")];
        let body = form(&json!({"mark": mark}), None).to_string();
        let answer = request(address, "POST", "/api/v1/processes/delivery/start", &headers, body.as_bytes()).expect("an answer");
        assert_eq!(answer.json()["number"].as_str(), Some(number.as_str()), "{mark}");
        asked += 1;
    }
    asked
}

struct Asked<'a> {
    token: &'a str,
    mark: &'a str,
    /// Method and path.
    ask: (&'a str, &'a str),
    /// Tells keys apart that would be the same.
    more: &'a str,
    body: Json,
}

/// Path that submits the ticket's open work on an activity.
fn submit(ticket: &Json, activity: &str) -> Option<String> {
    let work = ticket["work"].as_array()?.iter().find(|w| w["activity"] == activity)?;
    Some(format!("/api/v1/work/{}/submit", work["id"].as_str()?))
}

/// Number of faults: in the short form, and with `VORGANG_LONG`.
pub fn long(short: u32, long: u32) -> u32 {
    if std::env::var_os("VORGANG_LONG").is_some() { long } else { short }
}
