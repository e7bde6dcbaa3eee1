//! Jobs: each time of a schedule has one run, each run does a ticket once, and goes on where a crash has cut it.

use crate::desk::{Desk, Error, JobPart, Request};
use crate::lane::Lane;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};
use vorgang_core::commands::{Command, RunJob};
use vorgang_core::context::Context;
use vorgang_core::decide;
use vorgang_core::decision::{Decision, Remark};
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_core::people::{self, SYSTEM};
use vorgang_core::pushdown::{Pushdown, pushdown};
use vorgang_definitions::kinds::job::{Job, Missed};
use vorgang_store::due::Work;
use vorgang_store::{JobRun, StoreError, Stored};

/// Interval of checks whether another node still leads a schedule. If that node dies or leaves, the check is immediate.
const ELSEWHERE: Duration = Duration::from_secs(30);
/// Shortest and longest time between two looks at schedules.
const SOON: Duration = Duration::from_millis(100);
const SCHEDULES: Duration = Duration::from_secs(60);
/// How often it is looked whether another node has ended a run.
const LOOK: Duration = Duration::from_millis(500);
/// Wait after the database could not be reached.
const WAIT: Duration = Duration::from_secs(5);
/// Tickets that are looked for at once.
const FOUND: u32 = 10_000;
/// Tickets of a batch: what the run has done of them is marked until all are.
const BATCH: u32 = 2_000;
/// Tickets that are done at the same time: two commits of the writer, so that one gathers while the other is written.
const WIDTH: usize = 512;
/// A time that is no older has not been missed.
const LATE: SignedDuration = SignedDuration::from_secs(60);
/// Times of one schedule that are dealt with at once.
const TICKS_MAX: usize = 100_000;
const EXAMPLES_MAX: usize = 3;

/// Runs until it is aborted.
pub async fn run_lane(desk: Arc<Desk>) {
    let mut runs = Runs::default();
    loop {
        match runs.start_due(&desk).await {
            Ok(()) => {
                let rest = runs.pause_until_next(&desk);
                tokio::select! {
                    () = desk.wakes.work(Work::Jobs) => {}
                    () = tokio::time::sleep(rest) => {}
                    Some(ended) = runs.tasks.join_next_with_id() => runs.ended(ended),
                }
            }
            Err(e) => {
                tracing::warn!("jobs: {e}");
                tokio::time::sleep(WAIT).await;
            }
        }
    }
}

/// The runs under way, one a job, each a task of its own: a long one does not hold up the others.
#[derive(Default)]
pub struct Runs {
    tasks: JoinSet<Result<(), Error>>,
    running: HashMap<Id, String>,
    model: String,
    /// When each schedule is to be looked at again.
    next: HashMap<String, Timestamp>,
}

impl Runs {
    /// Starts what is due, and what an earlier process has left.
    pub async fn start_due(&mut self, desk: &Arc<Desk>) -> Result<(), StoreError> {
        let model = desk.model();
        if self.model != model.hash {
            desk.store.job_keep(&model.jobs.keys().cloned().collect::<Vec<_>>()).await?;
            self.model.clone_from(&model.hash);
            self.next.clear();
        }
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.ended(ended);
        }
        for run in desk.store.job_runs(None, true, 1_000).await?.into_iter().rev() {
            if desk.store.lane(&lane(&run.job)).await? {
                self.begin(desk, run);
            }
        }
        for job in model.jobs.values().filter(|j| j.times.is_some()) {
            let name = job.name.as_str();
            let early = self.next.get(name).is_some_and(|next| *next > desk.clock.now());
            if early || self.is_running(name) || !desk.store.lane(&lane(name)).await? {
                continue;
            }
            let (run, next) = due(desk, job).await?;
            match next {
                Some(next) => drop(self.next.insert(name.to_owned(), next)),
                None => drop(self.next.remove(name)),
            }
            if let Some(run) = run {
                self.begin(desk, run);
            }
        }
        Ok(())
    }

    /// How long nothing is to be done, as far as is known.
    fn pause_until_next(&self, desk: &Desk) -> Duration {
        let (model, now) = (desk.model(), desk.clock.now());
        let waits = model.jobs.values().filter(|j| j.times.is_some() && !self.is_running(&j.name)).map(|j| {
            match self.next.get(j.name.as_str()) {
                Some(next) => Duration::try_from(next.duration_since(now)).unwrap_or_default().max(SOON),
                // Another node looks at it, as long as that one is there.
                None => ELSEWHERE,
            }
        });
        waits.min().unwrap_or(SCHEDULES).min(SCHEDULES)
    }

    fn begin(&mut self, desk: &Arc<Desk>, run: JobRun) {
        if !self.is_running(&run.job) {
            let (desk, job) = (desk.clone(), run.job.clone());
            let task = self.tasks.spawn(async move { go_on_later(&desk, run).await });
            self.running.insert(task.id(), job);
        }
    }

    fn is_running(&self, job: &str) -> bool {
        self.running.values().any(|j| j == job)
    }

    fn ended(&mut self, ended: Result<(Id, Result<(), Error>), JoinError>) {
        let (id, why) = match ended {
            Ok((id, done)) => (id, done.err().map(|e| e.to_string())),
            Err(e) => (e.id(), Some(e.to_string())),
        };
        let job = self.running.remove(&id).unwrap_or_default();
        if let Some(why) = why {
            tracing::warn!(job, "a run stands still: {why}");
        }
    }

    /// Waits for the runs under way.
    pub async fn settle(&mut self) {
        while let Some(ended) = self.tasks.join_next_with_id().await {
            self.ended(ended);
        }
    }
}

/// One node does a job for all.
fn lane(job: &str) -> String {
    format!("job {job}")
}

/// A run for a time of the schedule that has come, if there is one, and when to look again: what was missed goes as the
/// job says.
async fn due(desk: &Desk, job: &Job) -> Result<(Option<JobRun>, Option<Timestamp>), StoreError> {
    let now = desk.clock.now();
    let zone = desk.model().names.site.zone.0.clone();
    let mut last = desk.store.job_seen(&job.name, &job.schedule(), now).await?;
    if last > now + LATE {
        // The clock was ahead once: without this the schedule would be silent until it is there again.
        tracing::warn!(job = job.name.as_str(), "the schedule was looked at until {last}, which is in the future; it goes on from now");
        desk.store.job_back(&job.name, now).await?;
        last = now;
    }
    let mut ticks = vec![];
    let missed = job.missed.unwrap_or(Missed::Once);
    // One after the other where each has a run.
    let most = if missed == Missed::All { 1 } else { TICKS_MAX };
    while ticks.len() < most
        && let Some(tick) = job.next(last, &zone).filter(|t| *t <= now)
    {
        ticks.push(tick);
        last = tick;
    }
    let Some(newest) = ticks.last().copied() else { return Ok((None, job.next(last, &zone))) };
    let tick = match missed {
        Missed::All => ticks[0],
        Missed::Once => newest,
        Missed::Skip if now.duration_since(newest) <= LATE => newest,
        Missed::Skip => {
            desk.store.job_pass(&job.name, newest).await?;
            return Ok((None, job.next(newest, &zone)));
        }
    };
    let before = ticks.iter().take_while(|t| **t < tick).count() as u64;
    let run = start(desk, &job.name, Some(tick), &SYSTEM, before).await?;
    // The end of a run is looked at; where there is none, this time of the schedule had its run already.
    let next = if run.is_none() { job.next(tick, &zone) } else { None };
    Ok((run, next))
}

/// A run by hand; `None` where there is no such job.
pub async fn start_now(desk: &Desk, job: &str, by: &str) -> Result<Option<JobRun>, StoreError> {
    if !desk.model().jobs.contains_key(job) {
        return Ok(None);
    }
    start(desk, job, None, by, 0).await
}

async fn start(desk: &Desk, job: &str, tick: Option<Timestamp>, by: &str, missed: u64) -> Result<Option<JobRun>, StoreError> {
    let started = desk.store.job_start(job, tick, by, desk.clock.now(), missed).await;
    desk.wakes.wake(Work::Jobs);
    started
}

async fn go_on_later(desk: &Arc<Desk>, run: JobRun) -> Result<(), Error> {
    let done = go_on(desk, run).await;
    if done.is_err() {
        // It is taken up again; not at once, where the database needs a while.
        tokio::time::sleep(WAIT).await;
    }
    done.map(|_| ())
}

/// Does what is left of a run. What it has done stays done, whatever ends it.
pub async fn go_on(desk: &Arc<Desk>, run: JobRun) -> Result<JobRun, Error> {
    // One run of a job at a time, whoever began it.
    let _held = desk.locks.hold(&lane(&run.job)).await;
    while !desk.store.lane(&lane(&run.job)).await? {
        // Another node does it.
        match desk.store.job_runs(Some(&run.job), false, 1_000).await?.into_iter().find(|r| r.id == run.id) {
            Some(open) if open.ended.is_none() => tokio::time::sleep(LOOK).await,
            ended => return Ok(ended.unwrap_or(run)),
        }
    }
    let stored =
        async |open| Ok::<_, StoreError>(desk.store.job_runs(Some(&run.job), open, 1_000).await?.into_iter().find(|r| r.id == run.id));
    let Some(mut run) = stored(true).await? else {
        // Somebody else has done it meanwhile.
        return Ok(stored(false).await?.unwrap_or(run));
    };
    loop {
        let model = desk.model();
        let Some(job) = model.jobs.get(&run.job) else {
            run.summary.error = Some("the job is no longer defined".into());
            break;
        };
        let split = pushdown(job.condition.text(), &model.names, desk.clock.now());
        let found = desk.store.job_tickets(&split.filter, run.id, run.cursor, FOUND).await?;
        if found.is_empty() {
            break;
        }
        let mut pages = found.chunks(BATCH as usize);
        let mut loaded = load(desk, pages.next()).await?;
        while let Some((last, tickets)) = loaded {
            // The next are loaded meanwhile.
            let (done, next) = tokio::join!(batch(desk, &mut run, tickets), load(desk, pages.next()));
            done?;
            loaded = next?;
            run.cursor = last;
            desk.store.job_progress(&mut run).await?;
        }
    }
    run.ended = Some(desk.clock.now());
    desk.store.job_progress(&mut run).await?;
    let s = &run.summary;
    tracing::info!(job = run.job, done = s.done, failed = s.failed, unclear = s.unclear, "a run has ended");
    Ok(run)
}

/// The tickets of a page, and the last of its ids.
async fn load(desk: &Desk, page: Option<&[(TicketId, TicketNumber)]>) -> Result<Option<(i64, Vec<Stored>)>, StoreError> {
    let ids: Vec<TicketId> = page.unwrap_or_default().iter().map(|(id, _)| *id).collect();
    match ids.last() {
        Some(last) => Ok(Some((last.0, desk.store.tickets_load(&ids).await?))),
        None => Ok(None),
    }
}

async fn batch(desk: &Arc<Desk>, run: &mut JobRun, tickets: Vec<Stored>) -> Result<(), Error> {
    let mut tickets = Lane::new(WIDTH, tickets);
    let (job, id) = (run.job.clone(), run.id);
    let work = |loaded: &Stored| {
        let (desk, job, loaded) = (desk.clone(), job.clone(), loaded.clone());
        async move {
            let (system, cause, number) = (people::system(), format!("job {job}"), loaded.snapshot.ticket.number.clone());
            let request =
                Request { actor: &system, ticket: Some(&number), command: Command::RunJob(RunJob { job }), cause: &cause, at: None };
            desk.execute_job(request, JobPart { run: id, loaded: Some(loaded) }).await
        }
    };
    while let Some((loaded, result)) = tickets.next(work).await {
        let number = loaded.snapshot.ticket.number.clone();
        match result {
            Ok(Ok(done)) => {
                // What was written is marked, and counted with its mark.
                let unmarked = u64::from(done.after.version == loaded.snapshot.version);
                match done.notice {
                    None | Some(Remark::NoBranch(_) | Remark::Rejected | Remark::NewTicket(_)) => run.summary.done += unmarked,
                    Some(Remark::NotMeant(None)) => {}
                    Some(Remark::NotMeant(Some(why))) => {
                        run.summary.unclear += 1;
                        example(run, number, why);
                    }
                    Some(Remark::Incident(why)) => {
                        run.summary.failed += unmarked;
                        example(run, number, why);
                    }
                }
            }
            // Without a database the run waits; what it has done is marked.
            Ok(Err(Error::Store(e))) if e.passes() => return Err(e.into()),
            // Taken for dead meanwhile: another node goes on.
            Ok(Err(Error::Store(e @ StoreError::Conflict))) if !desk.store.lane(&lane(&run.job)).await? => return Err(e.into()),
            Ok(Err(e)) => broke(run, number, e.to_string()),
            Err(e) => broke(run, number, e.to_string()),
        }
    }
    Ok(())
}

fn broke(run: &mut JobRun, number: TicketNumber, why: String) {
    run.summary.failed += 1;
    example(run, number, why);
}

fn example(run: &mut JobRun, number: TicketNumber, why: String) {
    if run.summary.examples.len() < EXAMPLES_MAX {
        run.summary.examples.push((number.to_string(), why));
    }
}

/// A job with its last run, and when it runs next; `None` by hand.
pub struct Overview {
    pub job: Arc<Job>,
    pub last: Option<JobRun>,
    pub next: Option<Timestamp>,
}

/// Every job of the site, by name.
pub async fn overview(desk: &Desk) -> Result<Vec<Overview>, StoreError> {
    let (model, now) = (desk.model(), desk.clock.now());
    let mut all = vec![];
    for job in model.jobs.values() {
        let last = desk.store.job_runs(Some(&job.name), false, 1).await?.into_iter().next();
        all.push(Overview { job: job.clone(), last, next: job.next(now, &model.names.site.zone.0) });
    }
    Ok(all)
}

/// What a run would do now, without doing it.
pub struct DryRun {
    pub split: Pushdown,
    /// Tickets on which something would happen: (number, title, the decision).
    pub tickets: Vec<(String, String, Decision)>,
    /// There are more than the first so many.
    pub more: bool,
    /// (number, why) of tickets for which the condition cannot be evaluated, or the actions fail.
    pub troubles: Vec<(TicketNumber, String)>,
}

/// Decides the job on every ticket until so many were found. `None` where there is no such job.
pub async fn dry_run(desk: &Desk, job: &str, limit: usize) -> Result<Option<DryRun>, Error> {
    let (model, people, now, system) = (desk.model(), desk.people(), desk.clock.now(), people::system());
    let Some(def) = model.jobs.get(job) else { return Ok(None) };
    let split = pushdown(def.condition.text(), &model.names, now);
    let mut found = DryRun { split, tickets: vec![], more: false, troubles: vec![] };
    let (mut after, command) = (0, Command::RunJob(RunJob { job: job.to_owned() }));
    loop {
        let page = desk.store.job_tickets(&found.split.filter, 0, after, BATCH).await?;
        let Some((last, _)) = page.last() else { return Ok(Some(found)) };
        after = last.0;
        for (_, number) in page {
            let Some(stored) = desk.store.ticket_load(&number).await? else { continue };
            let ctx = Context::trial(now, &system, &people);
            // A trial has no questions.
            let Ok(decided) = decide(&model, Some(&stored.snapshot), &command, &ctx).known() else { continue };
            let decision = decided?;
            if let Some(Remark::NotMeant(Some(why)) | Remark::Incident(why)) = &decision.notice {
                found.troubles.push((number.clone(), why.clone()));
            }
            if matches!(decision.notice, Some(Remark::NotMeant(_))) {
                continue;
            }
            if found.tickets.len() >= limit {
                found.more = true;
                return Ok(Some(found));
            }
            found.tickets.push((number.to_string(), stored.snapshot.ticket.title.clone(), decision));
        }
    }
}
