//! The running desk.

use crate::clock::Clock;
use crate::limiter::Limiter;
use crate::live::Live;
use crate::locks::Locks;
use crate::numbers::Numbers;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};
use vorgang_core::chain::{self, Hash, Link};
use vorgang_core::changes::{Changes, changed_names};
use vorgang_core::decide::Notice;
use vorgang_core::facts::Facts;
use vorgang_core::people::{self, Directory, Person};
use vorgang_core::{Command, Context, Decision, Rejection, Snapshot, decide};
use vorgang_definitions::model::Model;
use vorgang_store::{Commit, Idempotency, NewHistory, Store, StoreError, Stored};

/// Tickets that one command may make or name.
const FACTS_MAX: usize = 100;
/// How often a command is decided again after somebody else was faster, or when facts were missing.
const TRIES_MAX: usize = 8;

pub struct Desk {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub limiter: Limiter,
    /// For those who look while it happens.
    pub live: Arc<Live>,
    /// There may be a revision with whose calendars timers are to be counted anew.
    pub recount: AtomicBool,
    model: RwLock<Arc<Model>>,
    people: RwLock<Arc<Directory>>,
    pub(crate) locks: Locks,
    numbers: Numbers,
}

/// Why a command did not happen.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    #[error("refused: {}", .0.say("en"))]
    Rejected(Rejection),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The same key came with another body.
    #[error("the idempotency key was used for another request")]
    KeyReused,
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// A command with who wants it and why.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    pub actor: &'a Person,
    /// The ticket's number; `None` for commands that create one.
    pub ticket: Option<&'a str>,
    pub command: Command,
    /// The door: `portal`, `api`, `cli`, `demo`.
    pub cause: &'a str,
    /// When it happens; now, if not given.
    pub at: Option<Timestamp>,
}

/// One ticket of a job's run, loaded together with others.
pub(crate) struct JobPart {
    pub run: i64,
    pub loaded: Stored,
}

/// What happened.
#[derive(Debug, Clone)]
pub struct Done {
    pub after: Snapshot,
    pub notice: Option<Notice>,
}

/// How a caller's repeated request is answered.
pub struct Idempotent<'a> {
    pub key: &'a str,
    pub body_hash: Hash,
    /// Writes the answer for the first time.
    pub answer: &'a (dyn Fn(&Done) -> (u16, String) + Sync),
}

/// Done now, or the stored answer of an earlier time.
pub enum Answer {
    Done(Box<Done>),
    Again(u16, String),
}

impl Desk {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, model: Model, people: Directory) -> Self {
        Self {
            store,
            clock,
            limiter: Limiter::default(),
            live: Arc::default(),
            recount: AtomicBool::new(true),
            model: RwLock::new(Arc::new(model)),
            people: RwLock::new(Arc::new(people)),
            locks: Locks::default(),
            numbers: Numbers::default(),
        }
    }

    pub fn model(&self) -> Arc<Model> {
        self.model.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_model(&self, model: Model) {
        *self.model.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(model);
    }

    pub fn people(&self) -> Arc<Directory> {
        self.people.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the people again, after some were saved.
    pub async fn reload_people(&self) -> Result<(), StoreError> {
        let people = Directory::new(self.store.person_list().await?);
        *self.people.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(people);
        Ok(())
    }

    pub async fn execute(&self, request: Request<'_>) -> Result<Done, Error> {
        self.execute_plain(request, None).await
    }

    /// As part of a job's run, which does each ticket once.
    pub(crate) async fn execute_job(&self, request: Request<'_>, part: JobPart) -> Result<Done, Error> {
        self.execute_plain(request, Some(part)).await
    }

    async fn execute_plain(&self, request: Request<'_>, job: Option<JobPart>) -> Result<Done, Error> {
        match self.execute_in(request, None, job).await? {
            Answer::Done(done) => Ok(*done),
            Answer::Again(..) => Err(Error::KeyReused),
        }
    }

    /// As [`Desk::execute`]; with a key, a repeated request is answered as the first time.
    pub async fn execute_once(&self, request: Request<'_>, idempotent: Option<Idempotent<'_>>) -> Result<Answer, Error> {
        self.execute_in(request, idempotent, None).await
    }

    async fn execute_in(&self, request: Request<'_>, idempotent: Option<Idempotent<'_>>, job: Option<JobPart>) -> Result<Answer, Error> {
        if let Some(i) = &idempotent
            && let Some(earlier) = self.earlier(&request.actor.login, i).await?
        {
            return Ok(earlier);
        }
        let _held = match request.ticket {
            Some(number) => Some(self.locks.hold(number).await),
            None => None,
        };
        let mut changed: Option<BTreeMap<String, u64>> = None;
        let (job_run, mut loaded) = job.map_or((None, None), |j| (Some(j.run), Some(j.loaded)));
        for _ in 0..TRIES_MAX {
            // One that was loaded before is as good, as long as nobody was faster: then it is loaded anew.
            let stored = match (loaded.take(), request.ticket) {
                (Some(loaded), _) => Some(loaded),
                (None, Some(number)) => Some(self.store.ticket_load(number).await?.ok_or(Rejection::NotFound)?),
                (None, None) => None,
            };
            let now = request.at.unwrap_or_else(|| self.clock.now());
            let decision = match self.decide(&request, stored.as_ref(), now, changed.as_ref()).await {
                Err(Error::Rejected(Rejection::NeedsChangesSince(version))) => {
                    let id = stored.as_ref().map_or(0, |s| s.snapshot.ticket.id);
                    changed = Some(self.changes_since(id, version).await?);
                    continue;
                }
                other => other?,
            };
            if let (true, Some(stored)) = (decision.events.is_empty(), &stored) {
                // Nothing changes: there is nothing to write, and no version for it.
                let done = Done { after: stored.snapshot.clone(), notice: decision.notice };
                return Ok(Answer::Done(Box::new(done)));
            }
            let done = Done { after: decision.after.clone(), notice: decision.notice.clone() };
            let mut commit = self.commit(&request, stored.as_ref(), &decision, now, idempotent.as_ref(), &done);
            commit.job_run = job_run.map(|run| (run, matches!(decision.notice, Some(Notice::Incident(_)))));
            commit.also = self.also(&request, &decision, now);
            match self.store.commit(commit).await {
                Ok(()) => {
                    self.live.committed(&decision.after, &decision.events);
                    decision.made.iter().for_each(|d| self.live.committed(&d.after, &d.events));
                    return Ok(Answer::Done(Box::new(done)));
                }
                Err(StoreError::Conflict) => {
                    if let Some(i) = &idempotent
                        && let Some(earlier) = self.earlier(&request.actor.login, i).await?
                    {
                        return Ok(earlier);
                    }
                    changed = None;
                }
                Err(e) => return Err(e.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    async fn earlier(&self, login: &str, i: &Idempotent<'_>) -> Result<Option<Answer>, Error> {
        match self.store.idempotency_get(login, i.key).await? {
            Some(earlier) if earlier.body_hash == i.body_hash => Ok(Some(Answer::Again(earlier.status, earlier.answer))),
            Some(_) => Err(Error::KeyReused),
            None => Ok(None),
        }
    }

    async fn decide(
        &self,
        request: &Request<'_>,
        stored: Option<&Stored>,
        now: Timestamp,
        changed: Option<&BTreeMap<String, u64>>,
    ) -> Result<Decision, Error> {
        let (model, people) = (self.model(), self.people());
        let new_ticket = if request.command.creates() { Some(self.numbers.next(&*self.store, now).await?) } else { None };
        let (mut facts, mut tickets) = (Facts::default(), BTreeMap::new());
        loop {
            let ctx = Context {
                now,
                actor: request.actor,
                people: &people,
                new_ticket: new_ticket.clone(),
                changed_since: changed,
                facts: &facts,
                depth: 0,
            };
            let decision = decide(&model, stored.map(|s| &s.snapshot), &request.command, &ctx);
            // What was missing is found, and it is decided again.
            let (wanted, asked) = facts.missing();
            let mut found = BTreeMap::new();
            for number in asked.iter().take(FACTS_MAX) {
                if let Some(other) = self.store.ticket_load(number).await? {
                    found.insert(number.clone(), other.snapshot.ticket.id);
                }
            }
            let count = facts.given() + wanted;
            if (wanted == 0 || count > FACTS_MAX) && found.is_empty() {
                return Ok(decision?);
            }
            tickets.append(&mut found);
            let mut numbers = vec![];
            for _ in 0..count {
                numbers.push(self.numbers.next(&*self.store, now).await?);
            }
            facts = Facts::new(numbers, tickets.clone());
        }
    }

    /// For each name the last version that changed it, of the versions after this one.
    async fn changes_since(&self, ticket: i64, version: u64) -> Result<BTreeMap<String, u64>, Error> {
        let mut changed = BTreeMap::new();
        let mut after = version;
        loop {
            let rows = self.store.history_list(ticket, after, 500).await?;
            for row in &rows {
                let payload = chain::Payload { events: row.events.clone(), personal: row.personal.clone().unwrap_or_default() };
                for name in changed_names(&chain::join(&payload).unwrap_or_default()) {
                    changed.insert(name.to_owned(), row.version);
                }
                after = row.version;
            }
            if rows.len() < 500 {
                return Ok(changed);
            }
        }
    }

    /// The tickets that the decision makes, each with a history of its own.
    fn also(&self, request: &Request<'_>, decision: &Decision, now: Timestamp) -> Vec<Commit> {
        let system = people::system();
        let one = |made: &Decision| {
            let command = Command::CreateTicket(vorgang_core::command::NewTicket::default());
            let request = Request { actor: &system, ticket: None, command, cause: request.cause, at: None };
            let done = Done { after: made.after.clone(), notice: None };
            let commit = self.commit(&request, None, made, now, None, &done);
            Commit { also: self.also(&request, made, now), ..commit }
        };
        decision.made.iter().map(one).collect()
    }

    fn commit(
        &self,
        request: &Request<'_>,
        stored: Option<&Stored>,
        decision: &Decision,
        now: Timestamp,
        idempotent: Option<&Idempotent<'_>>,
        done: &Done,
    ) -> Commit {
        let payload = chain::split(&decision.events);
        let salt: [u8; 16] = random();
        let personal_digest = chain::personal_digest(&salt, &payload.personal);
        let command = request.command.word();
        let hash = chain::hash(&Link {
            ticket: decision.after.ticket.id,
            version: decision.after.version,
            format: vorgang_core::event::FORMAT,
            at: now.as_microsecond(),
            actor: &request.actor.login,
            command,
            cause: request.cause,
            events: &payload.events,
            salt: &salt,
            personal_digest,
            previous: stored.map_or(chain::GENESIS, |s| s.head),
        });
        let history = NewHistory {
            at: now,
            actor: request.actor.login.clone(),
            command: command.to_owned(),
            cause: request.cause.to_owned(),
            payload,
            salt,
            personal_digest,
            hash,
        };
        let idempotency = idempotent.map(|i| {
            let (status, answer) = (i.answer)(done);
            Idempotency { login: request.actor.login.clone(), key: i.key.to_owned(), body_hash: i.body_hash, status, answer }
        });
        Commit {
            changes: Changes::of(decision),
            expected_version: stored.map_or(0, |s| s.snapshot.version),
            history,
            idempotency,
            job_run: None,
            also: vec![],
        }
    }
}

/// Bytes that nobody can guess.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has a source of randomness");
    bytes
}

pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}
