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
use vorgang_core::command::Command;
use vorgang_core::context::Context;
use vorgang_core::decide;
use vorgang_core::decision::{Decision, Given, Remark};
use vorgang_core::desk_event::{self, DeskEvent};
use vorgang_core::event::{Event, TicketMade};
use vorgang_core::facts::{Content, Facts, Other, SiteAsked, SiteFact};
use vorgang_core::failure::Failure;
use vorgang_core::filter::Filter;
use vorgang_core::linked::Linked;
use vorgang_core::people::{self, Directory, Person};
use vorgang_core::rejection::{Rejection, RightReason};
use vorgang_core::rights::{self, Sight};
use vorgang_core::snapshot::Snapshot;
use vorgang_definitions::kinds::state::StateType;
use vorgang_definitions::model::Model;
use vorgang_store::due::Work;
use vorgang_store::inbox::NewInbox;
use vorgang_store::redaction::Redaction;
use vorgang_store::{Commit, Idempotency, NewHistory, Store, StoreError, Stored};

/// The lock of what happens to the desk; no ticket has this number.
pub(crate) const DESK: &str = "the desk";

/// Tickets that one command may make or name.
const FACTS_MAX: usize = 100;

/// How often a command is decided again after somebody else was faster, or when facts were missing.
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

/// What a command is part of, and is marked in.
#[derive(Default)]
struct Part {
    job: Option<JobPart>,
    message: Option<i64>,
    mail: Option<NewInbox>,
    redaction: Option<Box<Redaction>>,
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
    pub notice: Option<Remark>,
    /// Numbers of the tickets that it made.
    pub made: Vec<String>,
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
        Idempotency { login: login.to_owned(), key: self.key.to_owned(), body_hash: self.body_hash, status, answer }
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
        self.wakes.look();
    }

    pub async fn execute(&self, request: Request<'_>) -> Result<Done, Error> {
        self.execute_plain(request, Part::default()).await
    }

    /// As the delivery of a message, which reaches each ticket once.
    pub(crate) async fn execute_message(&self, request: Request<'_>, message: i64) -> Result<Done, Error> {
        self.execute_plain(request, Part { message: Some(message), ..Part::default() }).await
    }

    /// As what a mail that came in makes, which is taken once.
    pub(crate) async fn execute_mail(&self, request: Request<'_>, mail: NewInbox) -> Result<Done, Error> {
        self.execute_plain(request, Part { mail: Some(mail), ..Part::default() }).await
    }

    /// With rows that are written again without what is erased.
    pub(crate) async fn execute_erasing(
        &self,
        request: Request<'_>,
        idempotent: Option<Idempotent<'_>>,
        redaction: Redaction,
    ) -> Result<Answer, Error> {
        self.execute_in(request, idempotent, Part { redaction: Some(Box::new(redaction)), ..Part::default() }).await
    }

    /// As part of a job's run, which does each ticket once.
    pub(crate) async fn execute_job(&self, request: Request<'_>, part: JobPart) -> Result<Done, Error> {
        self.execute_plain(request, Part { job: Some(part), ..Part::default() }).await
    }

    async fn execute_plain(&self, request: Request<'_>, part: Part) -> Result<Done, Error> {
        match self.execute_in(request, None, part).await? {
            Answer::Done(done) => Ok(*done),
            Answer::Again(..) => Err(Error::KeyReused),
        }
    }

    /// As [`Desk::execute`]; with a key, a repeated request is answered as the first time.
    pub async fn execute_once(&self, request: Request<'_>, idempotent: Option<Idempotent<'_>>) -> Result<Answer, Error> {
        let (actor, cause, what) = (&request.actor.login, request.cause, request.command.word());
        let about = request.ticket.unwrap_or_default();
        let on_work = matches!(request.command, Command::SubmitDialog { .. } | Command::ClaimWork { .. } | Command::ReleaseWork { .. });
        let person = request.actor;
        let answer = self.execute_in(request, idempotent, Part::default()).await;
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

    async fn execute_in(&self, request: Request<'_>, idempotent: Option<Idempotent<'_>>, part: Part) -> Result<Answer, Error> {
        let span = step!("command", command = request.command.word(), cause = request.cause, ticket = request.ticket);
        self.execute_traced(request, idempotent, part).instrument(span).await
    }

    async fn execute_traced(&self, request: Request<'_>, idempotent: Option<Idempotent<'_>>, part: Part) -> Result<Answer, Error> {
        // Where the ticket was merged: the number of the one that takes the message.
        let merged_into = std::sync::OnceLock::new();
        let mut request = request;
        self.at("asked").await?;
        if let Some(i) = &idempotent
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
        let mut changed: Option<BTreeMap<String, u64>> = None;
        // Kept while the command waits for locks, so that no number is left out.
        let mut new_ticket = None;
        let (job_run, mut loaded) = part.job.map_or((None, None), |j| (Some(j.run), Some(j.loaded)));
        for _ in 0..TRIES_MAX {
            self.at("held").await?;
            // One that was loaded before is as good, as long as nobody was faster: then it is loaded anew.
            let stored = match (loaded.take(), request.ticket) {
                (Some(loaded), _) => Some(loaded),
                (None, Some(number)) => Some(self.store.ticket_load(number).await?.ok_or(Rejection::NotFound)?),
                (None, None) => None,
            };
            self.at("loaded").await?;
            if let (Command::AddArticle { .. }, Some(stored), None) = (&request.command, &stored, merged_into.get())
                && let Some(number) = self.merged_into(request.actor, stored).await?
            {
                request.ticket = Some(merged_into.get_or_init(|| number));
                drop(held);
                held = self.hold(&request.ticket.map(str::to_owned).into_iter().collect()).await;
                continue;
            }
            let now = request.at.unwrap_or_else(|| self.clock.now());
            let (decision, mut heads) =
                match self.decide(&request, stored.as_ref(), now, changed.as_ref(), &mut new_ticket).instrument(step!("decide")).await {
                    Err(Error::Rejected(Rejection::NeedsChangesSince(version))) => {
                        let id = stored.as_ref().map_or(0, |s| s.snapshot.ticket.id);
                        changed = Some(self.changes_since(id, version).await?);
                        continue;
                    }
                    other => other?,
                };
            if let (true, Some(stored)) = (decision.events.is_empty(), &stored) {
                // Nothing changes: there is nothing to write, and no version for it.
                let done = Done { after: stored.snapshot.clone(), notice: decision.notice, made: vec![] };
                if let Some(i) = &idempotent {
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
            let mut others = decision.changes_others();
            others.extend(turns.iter().map(|t| format!("turn {}", t.place)));
            if others.iter().any(|number| !touched.contains(number)) {
                touched.extend(others.into_iter().chain(request.ticket.map(str::to_owned)));
                drop(held);
                held = self.hold(&touched).await;
                changed = None;
                continue;
            }
            let made = decision.events.iter().filter_map(|e| match e {
                Event::TicketMade(TicketMade { number, .. }) => Some(number.clone()),
                _ => None,
            });
            let done = Done { after: decision.after.clone(), notice: decision.notice.clone(), made: made.collect() };
            let mut commit = commit(request.cause, (&request.actor.login, request.command.word()), &decision, now, &mut heads);
            commit.changes.turns = turns;
            commit.idempotency = idempotent.as_ref().map(|i| i.answered(&request.actor.login, &done));
            commit.job_run = job_run.map(|run| (run, matches!(decision.notice, Some(Remark::Incident(_)))));
            commit.message = part.message;
            commit.mail.clone_from(&part.mail);
            commit.redaction.clone_from(&part.redaction);
            self.at("decided").await?;
            let leaves_work = leaves_work(&commit);
            let committed = self.store.commit(commit).instrument(step!("commit")).await;
            self.note_written(&committed);
            match committed {
                Ok(()) => {
                    self.at("committed").await?;
                    if leaves_work {
                        self.wakes.look();
                    }
                    self.tell_live(&decision);
                    return Ok(Answer::Done(Box::new(done)));
                }
                Err(StoreError::Conflict) => {
                    if let Some(i) = &idempotent
                        && let Some(earlier) = self.earlier(&request.actor.login, i).await?
                    {
                        return Ok(earlier);
                    }
                    (changed, new_ticket) = (None, None);
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
    async fn merged_into(&self, actor: &Person, stored: &Stored) -> Result<Option<String>, StoreError> {
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
        changed: Option<&BTreeMap<String, u64>>,
        new_ticket: &mut Option<(i64, String)>,
    ) -> Result<(Decision, Heads), Error> {
        let (model, people) = (self.model(), self.people());
        if request.command.creates() && new_ticket.is_none() {
            *new_ticket = Some(self.numbers.next(&*self.store, now).await?);
        }
        let mut heads: Heads = stored.map(|s| (s.snapshot.ticket.id, s.head)).into_iter().collect();
        let decided = self.with_facts(now, &mut heads, |facts| {
            let actor = request.actor;
            let ctx = Context {
                now,
                actor,
                people: &people,
                new_ticket: new_ticket.clone(),
                changed_since: changed,
                facts,
                so_far: None,
                given: Given::default(),
                depth: 0,
                trace: None,
            };
            decide(&model, stored.map(|s| &s.snapshot), &request.command, &ctx)
        });
        Ok((decided.await??, heads))
    }

    /// Decides until nothing is missing that can be found.
    pub(crate) async fn with_facts<T>(&self, now: Timestamp, heads: &mut Heads, decide: impl Fn(&Facts) -> T) -> Result<T, Error> {
        let (mut facts, mut others, mut contents, mut site) = (Facts::default(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        loop {
            let decision = decide(&facts);
            let (wanted, asked) = facts.missing();
            let known = others.len() + contents.len() + site.len();
            for what in asked.site.iter().take(FACTS_MAX) {
                site.insert(what.clone(), self.site_fact(what).await?);
            }
            for number in asked.tickets.iter().take(FACTS_MAX) {
                if let Some(other) = self.store.ticket_load(number).await? {
                    heads.insert(other.snapshot.ticket.id, other.head);
                    others.insert(number.clone(), Arc::new(Other { snapshot: other.snapshot }));
                }
            }
            for number in asked.contents.iter().take(FACTS_MAX) {
                if let Some(content) = self.content(number).await? {
                    contents.insert(number.clone(), Arc::new(content));
                }
            }
            let count = facts.given() + wanted;
            if (wanted == 0 || count > FACTS_MAX) && known == others.len() + contents.len() + site.len() {
                return Ok(decision);
            }
            let mut numbers = vec![];
            for _ in 0..count {
                numbers.push(self.numbers.next(&*self.store, now).await?);
            }
            facts = Facts::new(numbers, others.clone(), contents.clone()).with_site(site.clone());
        }
    }

    async fn site_fact(&self, asked: &SiteAsked) -> Result<SiteFact, StoreError> {
        Ok(match asked {
            SiteAsked::Mutex(name, key) => SiteFact::Mutex(self.store.mutex(name, key).await?),
            SiteAsked::Turn(place) => SiteFact::Turn(self.store.turn(place).await?),
            SiteAsked::Load(login) => SiteFact::Load(self.store.load(login).await?),
        })
    }

    /// The tickets that handlers make of what happened to the desk, in one commit that takes it away; how many.
    pub(crate) async fn handle_desk_event(&self, id: i64, event: &DeskEvent) -> Result<Result<usize, Failure>, Error> {
        let _held = self.locks.hold(DESK).await;
        let (model, people, now, system) = (self.model(), self.people(), self.clock.now(), people::system());
        let mut heads = Heads::new();
        let decided = self.with_facts(now, &mut heads, |facts| {
            let ctx = Context { facts, ..Context::trial(now, &system, &people) };
            desk_event::decide(&model, event, &ctx)
        });
        match decided.await? {
            Err(failure) => Ok(Err(failure)),
            Ok(None) => {
                self.store.desk_event_done(id).await?;
                Ok(Ok(0))
            }
            Ok(Some(decision)) => {
                let cause = format!("event {}", event.name());
                let mut commit = commit(&cause, (&system.login, decision.command), &decision, now, &mut heads);
                commit.desk_event = Some(id);
                self.store.commit(commit).await?;
                self.wakes.look();
                self.tell_live(&decision);
                Ok(Ok(1 + decision.made.len()))
            }
        }
    }

    async fn content(&self, number: &str) -> Result<Option<Content>, StoreError> {
        let Some(ticket) = self.store.ticket_load(number).await?.map(|s| s.snapshot.ticket.id) else { return Ok(None) };
        let articles = self.store.article_list(ticket).await?;
        let links = self.store.links(&Filter::All, ticket).await?;
        let links = links.into_iter().map(|(row, kind)| Linked { id: row.id, number: row.number, kind }).collect();
        Ok(Some(Content { articles, links }))
    }

    fn tell_live(&self, decision: &Decision) {
        self.live.committed(&decision.after, &decision.events);
        decision.made.iter().for_each(|d| self.tell_live(d));
    }

    /// For each name the last version that changed it, of the versions after this one.
    async fn changes_since(&self, ticket: i64, version: u64) -> Result<BTreeMap<String, u64>, Error> {
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
pub(crate) type Heads = BTreeMap<i64, Hash>;

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
        changes: Changes::of(decision),
        expected_version: decision.after.version - 1,
        history,
        idempotency: None,
        job_run: None,
        message: None,
        desk_event: None,
        mail: None,
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
