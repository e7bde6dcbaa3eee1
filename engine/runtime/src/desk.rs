//! The running desk.

use crate::attention::Attention;
use crate::brake::Brake;
use crate::clock::Clock;
use crate::live::Live;
use crate::locks::{Held, Locks};
use crate::numbers::Numbers;
use crate::quota::Buckets;
use crate::scales::{Scales, Verifier};
use crate::threads::Threads;
use crate::told::Told;
use crate::wakes::{Wakes, leaves_work};
use crate::{step, trace};
use async_trait::async_trait;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tracing::Instrument;
use vorgang_core::chain::{self, Hash, Link};
use vorgang_core::changes::{Changes, changed_names};
use vorgang_core::commands::Command;
use vorgang_core::context::Context;
use vorgang_core::decide;
use vorgang_core::decision::{Decision, Remark};
use vorgang_core::event::{Event, TicketMade};
use vorgang_core::facts::{Content, Fact, Facts, LookUp, LookUps};
use vorgang_core::filter::Filter;
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_core::linked::Linked;
use vorgang_core::people::{Directory, Person};
use vorgang_core::rejection::{Rejection, RightReason};
use vorgang_core::rights::{self, Sight};
use vorgang_core::snapshot::Snapshot;
use vorgang_definitions::kinds::state::StateType;
use vorgang_definitions::model::Model;
use vorgang_store::due::Work;
use vorgang_store::inbox::NewInbox;
use vorgang_store::redaction::Redaction;
use vorgang_store::{Commit, Idempotency, NewHistory, Origin, Store, StoreError, Stored};

/// The lock of what happens to the desk; no ticket has this number.
pub(crate) const DESK: &str = "the desk";

/// How often a command is decided again after somebody else was faster.
const TRIES_MAX: usize = 8;

pub struct Desk {
    /// What makes the ids and tokens of mail that nobody can guess.
    threads: tokio::sync::OnceCell<Threads>,
    pub(crate) scales: Scales,
    pub(crate) brake: Brake,
    pub quotas: Buckets,
    /// Looks who stands for mail that comes in; nobody does where there is none.
    pub verifier: std::sync::OnceLock<Arc<dyn Verifier>>,
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    /// For those who look while it happens.
    pub live: Arc<Live>,
    /// For what goes on by itself.
    pub wakes: Wakes,
    pub(crate) attention: Attention,
    /// When something was last written.
    written: std::sync::Mutex<Option<std::time::Instant>>,
    /// There may be a revision with whose calendars timers are to be counted anew.
    pub recount: AtomicBool,
    model: RwLock<Arc<Model>>,
    /// The number of the revision that runs.
    revision: AtomicI64,
    people: RwLock<Arc<Directory>>,
    pub(crate) locks: Locks,
    numbers: Numbers,
    points: Option<Arc<dyn Points>>,
    pub(crate) told: Told,
}

/// Where a command can be held up, fail or end for good: what simulations hook into.
#[async_trait]
pub trait Points: Send + Sync {
    async fn at(&self, point: &'static str) -> Result<(), StoreError>;
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

/// The work that a command is part of, which its commit marks as done.
enum Part<'a> {
    /// A request of a person, or a timer.
    Door(Option<Idempotent<'a>>),
    Job(JobPart),
    DeskEvent(i64),
    Message(i64),
    Mail(Box<NewInbox>),
    /// Rows are written again without erased content.
    Erasure(Option<Idempotent<'a>>, Box<Redaction>),
}

impl<'a> Part<'a> {
    fn key(&self) -> Option<&Idempotent<'a>> {
        match self {
            Self::Door(key) | Self::Erasure(key, _) => key.as_ref(),
            Self::Job(_) | Self::DeskEvent(_) | Self::Message(_) | Self::Mail(_) => None,
        }
    }

    fn origin(&self, login: &str, done: &Done) -> Origin {
        match self {
            Self::Door(key) | Self::Erasure(key, _) => key.as_ref().map_or(Origin::Plain, |i| Origin::Request(i.answered(login, done))),
            Self::Job(part) => Origin::Job { run: part.run, failed: matches!(done.notice, Some(Remark::Incident(_))) },
            Self::DeskEvent(id) => Origin::DeskEvent(*id),
            Self::Message(id) => Origin::Message(*id),
            Self::Mail(mail) => Origin::Mail(mail.clone()),
        }
    }

    fn redaction(&self) -> Option<Box<Redaction>> {
        match self {
            Self::Erasure(_, redaction) => Some(redaction.clone()),
            _ => None,
        }
    }
}

/// One ticket of a job's run, loaded together with others.
pub(crate) struct JobPart {
    pub run: i64,
    /// Taken for the first try.
    pub loaded: Option<Stored>,
}

/// What happened.
#[derive(Debug, Clone)]
pub struct Done {
    pub after: Snapshot,
    pub notice: Option<Remark>,
    /// Numbers of the tickets that it made.
    pub made: Vec<TicketNumber>,
}

/// How a caller's repeated request is answered.
#[derive(Clone, Copy)]
pub struct Idempotent<'a> {
    pub key: &'a str,
    pub body_hash: Hash,
    /// Writes the answer for the first time.
    pub answer: &'a (dyn Fn(&Done) -> (u16, String) + Sync),
}

impl Idempotent<'_> {
    fn answered(&self, login: &str, done: &Done) -> Idempotency {
        let (status, answer) = (self.answer)(done);
        Idempotency { login: login.into(), key: self.key.to_owned(), body_hash: self.body_hash, status, answer }
    }
}

/// Done now, or the stored answer of an earlier time.
pub enum Answer {
    Done(Box<Done>),
    Again(u16, String),
}

impl Desk {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, (model, revision): (Model, i64), people: Directory) -> Self {
        Self {
            threads: tokio::sync::OnceCell::new(),
            scales: Scales::default(),
            brake: Brake::default(),
            quotas: Buckets::default(),
            verifier: std::sync::OnceLock::new(),
            store,
            clock,
            live: Arc::default(),
            wakes: Wakes::default(),
            attention: Attention::default(),
            written: std::sync::Mutex::default(),
            recount: AtomicBool::new(true),
            model: RwLock::new(Arc::new(model)),
            revision: AtomicI64::new(revision),
            people: RwLock::new(Arc::new(people)),
            locks: Locks::default(),
            numbers: Numbers::default(),
            points: None,
            told: Told::default(),
        }
    }

    /// With something at every point of a command's way.
    pub fn with_points(self, points: Arc<dyn Points>) -> Self {
        Self { points: Some(points), ..self }
    }

    async fn at(&self, point: &'static str) -> Result<(), StoreError> {
        match &self.points {
            Some(points) => points.at(point).await,
            None => Ok(()),
        }
    }

    /// Its key is made once for the database.
    pub async fn threads(&self) -> Result<&Threads, StoreError> {
        self.threads.get_or_try_init(|| async { Ok(Threads::new(self.store.secret("threads", random()).await?)) }).await
    }

    pub fn model(&self) -> Arc<Model> {
        self.model.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn revision(&self) -> i64 {
        self.revision.load(Ordering::Acquire)
    }

    pub(crate) fn set_model(&self, model: Model, revision: i64) {
        *self.model.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(model);
        self.revision.store(revision, Ordering::Release);
        self.wakes.wake_all();
    }

    /// Recalculates timers after calendars may have changed.
    pub(crate) fn recount_timers(&self) {
        self.recount.store(true, Ordering::Release);
        self.wakes.wake(Work::Timers);
    }

    /// This revision cannot be run here.
    pub(crate) fn skip_revision(&self, revision: i64) {
        self.revision.store(revision, Ordering::Release);
    }

    pub fn people(&self) -> Arc<Directory> {
        self.people.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the people again, after some were saved.
    pub async fn reload_people(&self) -> Result<(), StoreError> {
        self.set_people(Directory::new(self.store.person_list().await?));
        Ok(())
    }

    pub(crate) fn set_people(&self, people: Directory) {
        *self.people.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(people);
        self.wakes.look_for_work();
    }

    pub async fn execute(&self, request: Request<'_>) -> Result<Done, Error> {
        self.execute_plain(request, Part::Door(None)).await
    }

    /// As the delivery of a message, which reaches each ticket once.
    pub(crate) async fn execute_message(&self, request: Request<'_>, message: i64) -> Result<Done, Error> {
        self.execute_plain(request, Part::Message(message)).await
    }

    /// As what a mail that came in makes, which is taken once.
    pub(crate) async fn execute_mail(&self, request: Request<'_>, mail: NewInbox) -> Result<Done, Error> {
        self.execute_plain(request, Part::Mail(Box::new(mail))).await
    }

    /// With rows that are written again without what is erased.
    pub(crate) async fn execute_erasing(
        &self,
        request: Request<'_>,
        idempotent: Option<Idempotent<'_>>,
        redaction: Redaction,
    ) -> Result<Answer, Error> {
        self.execute_in(request, Part::Erasure(idempotent, Box::new(redaction))).await
    }

    /// As the handling of an event of the desk, which makes its tickets once.
    pub(crate) async fn execute_desk_event(&self, request: Request<'_>, id: i64) -> Result<Done, Error> {
        let _held = self.locks.hold(DESK).await;
        self.execute_plain(request, Part::DeskEvent(id)).await
    }

    /// As part of a job's run, which does each ticket once.
    pub(crate) async fn execute_job(&self, request: Request<'_>, part: JobPart) -> Result<Done, Error> {
        self.execute_plain(request, Part::Job(part)).await
    }

    async fn execute_plain(&self, request: Request<'_>, part: Part<'_>) -> Result<Done, Error> {
        match self.execute_in(request, part).await? {
            Answer::Done(done) => Ok(*done),
            Answer::Again(..) => Err(Error::KeyReused),
        }
    }

    /// As [`Desk::execute`]; with a key, a repeated request is answered as the first time.
    pub async fn execute_once(&self, request: Request<'_>, idempotent: Option<Idempotent<'_>>) -> Result<Answer, Error> {
        let (actor, cause, what) = (&request.actor.login, request.cause, request.command.word());
        let about = request.ticket.unwrap_or_default();
        let on_work = matches!(request.command, Command::SubmitDialog(_) | Command::ClaimWork(_) | Command::ReleaseWork(_));
        let person = request.actor;
        let answer = self.execute_in(request, Part::Door(idempotent)).await;
        let Err(Error::Rejected(Rejection::Right(reason))) = &answer else { return answer };
        if reason.is_denial() {
            self.note_denied(self.by(actor, cause), what, about).await;
        }
        // To somebody who does not see the ticket's work, another's answers as work that does not exist.
        if on_work && *reason == RightReason::NotForYou && !self.sees_work(person, about).await? {
            return Err(Rejection::Gone.into());
        }
        answer
    }

    /// Does this person see all of the ticket's work, or only what is offered?
    async fn sees_work(&self, person: &Person, number: &str) -> Result<bool, Error> {
        let stored = self.store.ticket_load(number).await?;
        Ok(stored.is_some_and(|s| rights::sight(&self.model().names, person, &s.snapshot) == Sight::Agent))
    }

    async fn execute_in(&self, request: Request<'_>, part: Part<'_>) -> Result<Answer, Error> {
        let span = step!("command", command = request.command.word(), cause = request.cause, ticket = request.ticket);
        self.execute_traced(request, part).instrument(span).await
    }

    async fn execute_traced(&self, request: Request<'_>, mut part: Part<'_>) -> Result<Answer, Error> {
        // Where the ticket was merged: the number of the one that takes the message.
        let merged_into = std::sync::OnceLock::new();
        let mut request = request;
        self.at("asked").await?;
        if let Some(i) = part.key()
            && let Some(earlier) = self.earlier(&request.actor.login, i).await?
        {
            return Ok(earlier);
        }
        let mut held = match request.ticket {
            Some(number) => vec![self.locks.hold(number).await],
            None => vec![],
        };
        // With other tickets that are held, its own among them.
        let mut touched: BTreeSet<String> = BTreeSet::new();
        // Kept while the command waits for locks, so that no number is left out.
        let mut new_ticket = None;
        let mut loaded = if let Part::Job(part) = &mut part { part.loaded.take() } else { None };
        for _ in 0..TRIES_MAX {
            self.at("held").await?;
            // One that was loaded before is as good, as long as nobody was faster: then it is loaded anew.
            let stored = match (loaded.take(), request.ticket) {
                (Some(loaded), _) => Some(loaded),
                (None, Some(number)) => Some(self.store.ticket_load(number).await?.ok_or(Rejection::NotFound)?),
                (None, None) => None,
            };
            self.at("loaded").await?;
            if let (Command::AddArticle(_), Some(stored), None) = (&request.command, &stored, merged_into.get())
                && let Some(number) = self.merged_into(request.actor, stored).await?
            {
                request.ticket = Some(merged_into.get_or_init(|| number));
                drop(held);
                held = self.hold(&request.ticket.map(str::to_owned).into_iter().collect()).await;
                continue;
            }
            let now = request.at.unwrap_or_else(|| self.clock.now());
            let decided = self.decide(&request, stored.as_ref(), now, &mut new_ticket).instrument(step!("decide"));
            let (decision, mut heads) = decided.await?;
            if let (true, Some(stored)) = (decision.events.is_empty(), &stored) {
                // Nothing changes: there is nothing to write, and no version for it.
                let done = Done { after: stored.snapshot.clone(), notice: decision.notice, made: vec![] };
                if let Some(i) = part.key() {
                    match self.store.idempotency_put(&i.answered(&request.actor.login, &done), now).await {
                        // The same request was faster.
                        Err(StoreError::Conflict) => {
                            return self.earlier(&request.actor.login, i).await?.ok_or_else(|| StoreError::Conflict.into());
                        }
                        kept => kept?,
                    }
                }
                return Ok(Answer::Done(Box::new(done)));
            }
            // Other tickets and turns are held too, all in one order: nobody waits in a circle, and nobody is always too late.
            let turns = decision.turns();
            let mut others: Vec<String> = decision.changes_others().into_iter().map(String::from).collect();
            others.extend(turns.iter().map(|t| format!("turn {}", t.place)));
            if others.iter().any(|number| !touched.contains(number)) {
                touched.extend(others.into_iter().chain(request.ticket.map(str::to_owned)));
                drop(held);
                held = self.hold(&touched).await;
                continue;
            }
            let made = decision.events.iter().filter_map(|e| match e {
                Event::TicketMade(TicketMade { number, .. }) => Some(number.clone()),
                _ => None,
            });
            let done = Done { after: decision.after.clone(), notice: decision.notice.clone(), made: made.collect() };
            let mut commit = commit(request.cause, (&request.actor.login, request.command.word()), &decision, now, &mut heads);
            commit.changes.turns = turns;
            commit.origin = part.origin(&request.actor.login, &done);
            commit.redaction = part.redaction();
            self.at("decided").await?;
            let leaves_work = leaves_work(&commit);
            let committed = self.store.commit(commit).instrument(step!("commit")).await;
            self.note_written(&committed);
            match committed {
                Ok(()) => {
                    self.at("committed").await?;
                    if leaves_work {
                        self.wakes.look_for_work();
                    }
                    self.tell_live(&decision);
                    return Ok(Answer::Done(Box::new(done)));
                }
                Err(StoreError::Conflict) => {
                    if let Some(i) = part.key()
                        && let Some(earlier) = self.earlier(&request.actor.login, i).await?
                    {
                        return Ok(earlier);
                    }
                    new_ticket = None;
                }
                Err(e) => return Err(e.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Remembers a successful write; trouble of the database makes earlier successes worthless.
    fn note_written(&self, result: &Result<(), StoreError>) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(()) => *written = Some(std::time::Instant::now()),
            Err(e) if e.passes() => *written = None,
            Err(_) => {}
        }
    }

    /// Succeeds if a write succeeded within the last ten seconds; otherwise tries one.
    pub async fn can_write(&self) -> Result<(), StoreError> {
        const LATELY: std::time::Duration = std::time::Duration::from_secs(10);
        let lately = self.written.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|at| at.elapsed() < LATELY);
        if lately {
            return Ok(());
        }
        let result = self.store.write_probe(self.clock.now()).await;
        self.note_written(&result);
        result
    }

    /// The number of the ticket that a merged one went into, if this person may see it.
    async fn merged_into(&self, actor: &Person, stored: &Stored) -> Result<Option<TicketNumber>, StoreError> {
        let model = self.model();
        if model.names.state_type(&stored.snapshot.ticket.state) != StateType::Merged {
            return Ok(None);
        }
        let into = self.follow(Some(stored.clone())).await?.map(|s| s.snapshot);
        let into = into.filter(|s| s.ticket.id != stored.snapshot.ticket.id && rights::sight(&model.names, actor, s) != Sight::Nothing);
        Ok(into.map(|s| s.ticket.number.clone()))
    }

    async fn hold(&self, numbers: &BTreeSet<String>) -> Vec<Held<'_>> {
        let mut all = Vec::with_capacity(numbers.len());
        for number in numbers {
            all.push(self.locks.hold(number).await);
        }
        all
    }

    /// The stored answer of this request, if it was made before.
    pub(crate) async fn earlier(&self, login: &str, i: &Idempotent<'_>) -> Result<Option<Answer>, Error> {
        match self.store.idempotency_get(login, i.key).await? {
            Some(earlier) if earlier.body_hash == i.body_hash => Ok(Some(Answer::Again(earlier.status, earlier.answer))),
            Some(_) => Err(Error::KeyReused),
            None => Ok(None),
        }
    }

    /// The decision, with the history's heads of the tickets that it was made of.
    async fn decide(
        &self,
        request: &Request<'_>,
        stored: Option<&Stored>,
        now: Timestamp,
        new_ticket: &mut Option<(TicketId, TicketNumber)>,
    ) -> Result<(Decision, Heads), Error> {
        let (model, people) = (self.model(), self.people());
        if request.command.creates() && new_ticket.is_none() {
            *new_ticket = Some(self.numbers.next(&*self.store, now).await?);
        }
        let mut heads: Heads = stored.map(|s| (s.snapshot.ticket.id, s.head)).into_iter().collect();
        let decided = self.with_facts(now, &mut heads, |facts| {
            let actor = request.actor;
            let ctx = Context { new_ticket: new_ticket.clone(), facts, ..Context::trial(now, actor, &people) };
            decide(&model, stored.map(|s| &s.snapshot), &request.command, &ctx).known()
        });
        Ok((decided.await??, heads))
    }

    /// Decides, and decides again with the answers to what was asked, until nothing is missing.
    pub(crate) async fn with_facts<T>(
        &self,
        now: Timestamp,
        heads: &mut Heads,
        decide: impl Fn(&Facts) -> Result<T, LookUps>,
    ) -> Result<T, Error> {
        let (mut numbers, mut known) = (vec![], BTreeMap::new());
        loop {
            let look_ups = match decide(&Facts::new(numbers.clone(), known.clone())) {
                Ok(decided) => return Ok(decided),
                Err(look_ups) => look_ups,
            };
            for asked in look_ups {
                match self.look_up(&asked, heads).await? {
                    Some(fact) => drop(known.insert(asked, fact)),
                    None => numbers.push(self.numbers.next(&*self.store, now).await?),
                }
            }
        }
    }

    /// The answer to a question of a decision; `None` for numbers. The history's heads of tickets that it is made of are noted.
    async fn look_up(&self, asked: &LookUp, heads: &mut Heads) -> Result<Option<Fact>, Error> {
        Ok(Some(match asked {
            LookUp::Numbers(_) => return Ok(None),
            LookUp::Ticket(number) => {
                let other = self.store.ticket_load(number).await?;
                heads.extend(other.as_ref().map(|o| (o.snapshot.ticket.id, o.head)));
                Fact::Ticket(other.map(|o| Arc::new(o.snapshot)))
            }
            LookUp::Content(number) => Fact::Content(self.content(number).await?.map(Arc::new)),
            LookUp::Changes { ticket, after } => Fact::Changes(Arc::new(self.changes_since(*ticket, *after).await?)),
            LookUp::Mutex { name, key } => Fact::Mutex(self.store.mutex(name, key).await?),
            LookUp::Turn(place) => Fact::Turn(self.store.turn(place).await?),
            LookUp::Load(login) => Fact::Load(self.store.load(login).await?),
        }))
    }

    async fn content(&self, number: &str) -> Result<Option<Content>, StoreError> {
        let Some(ticket) = self.store.ticket_load(number).await?.map(|s| s.snapshot.ticket.id) else { return Ok(None) };
        let articles = self.store.article_list(ticket).await?;
        let links = self.store.links(&Filter::All, ticket).await?;
        let links = links.into_iter().map(|(row, kind)| Linked { id: TicketId(row.id), number: row.number, kind }).collect();
        Ok(Some(Content { articles, links }))
    }

    fn tell_live(&self, decision: &Decision) {
        self.live.committed(&decision.after, &decision.events);
        decision.made.iter().for_each(|d| self.tell_live(d));
    }

    /// For each name the last version that changed it, of the versions after this one.
    async fn changes_since(&self, ticket: TicketId, version: u64) -> Result<BTreeMap<String, u64>, Error> {
        let mut changed = BTreeMap::new();
        let mut after = version;
        loop {
            let rows = self.store.history_list(ticket, after, 500).await?;
            for row in &rows {
                for name in changed_names(&row.events_read()?) {
                    changed.insert(name.to_owned(), row.version);
                }
                after = row.version;
            }
            if rows.len() < 500 {
                return Ok(changed);
            }
        }
    }
}

/// The hash of each ticket's last history row.
pub(crate) type Heads = BTreeMap<TicketId, Hash>;

/// The decision with all that is decided within it, each ticket's history going on where the one before it ended.
fn commit(cause: &str, (actor, command): (&str, &str), decision: &Decision, now: Timestamp, heads: &mut Heads) -> Commit {
    let salt = salt();
    let (payload, personal_digest) = chain::split(&decision.events, &salt);
    let ticket = decision.after.ticket.id;
    let hash = chain::hash(&Link {
        ticket,
        version: decision.after.version,
        format: vorgang_core::event::FORMAT,
        at: now.as_microsecond(),
        actor,
        command,
        cause,
        events: &payload.events,
        salt: &salt,
        personal_digest,
        previous: heads.get(&ticket).copied().unwrap_or(chain::GENESIS),
    });
    heads.insert(ticket, hash);
    let history = NewHistory {
        at: now,
        actor: actor.to_owned(),
        command: command.to_owned(),
        cause: cause.to_owned(),
        payload,
        salt,
        personal_digest,
        hash,
    };
    Commit {
        changes: Changes::from_decision(decision),
        expected_version: decision.after.version - 1,
        history,
        origin: Origin::Plain,
        redaction: None,
        trace: trace::current(),
        also: decision.made.iter().map(|d| commit(cause, (&d.actor, d.command), d, now, heads)).collect(),
    }
}

/// Bytes that nobody can guess.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has a source of randomness");
    bytes
}

/// What salts the digest of personal content: the system is asked for many at once.
fn salt() -> [u8; 16] {
    const AT_ONCE: usize = 64;
    thread_local! {
        static SALTS: std::cell::RefCell<Vec<[u8; 16]>> = const { std::cell::RefCell::new(vec![]) };
    }
    SALTS.with_borrow_mut(|salts| {
        salts.pop().unwrap_or_else(|| {
            salts.extend(random::<{ AT_ONCE * 16 }>().as_chunks::<16>().0);
            salts.pop().unwrap_or_else(random)
        })
    })
}

pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}
