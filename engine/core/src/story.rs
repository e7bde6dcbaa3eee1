//! Plays a site's `Test` definitions in virtual time, through the same `decide` as everything else.

mod expect;
mod post;

use crate::commands::{
    AddArticle, AnswerCall, ArticleInput, ClaimWork, Command, FireTimer, Form, Hand, MergeTicket, NewTicket, PatchTicket, ReceiveMessage,
    ReleaseWork, RetryIncident, RunJob, StartProcess, Steer, SubmitDialog, WatchTicket,
};
use crate::coverage::Coverage;
use crate::dispatch::decide;
use crate::execution::context::Context;
use crate::execution::decision::Decision;
use crate::execution::facts::{Content, Fact, Facts, LookUp, MutexFact};
use crate::rules::rejection::{FormError, Rejection};
use crate::rules::scope::TicketScope;
use crate::rules::trace::Trace;
use crate::state::event::{ArticleAdded, Event, LinkAdded, LinkRemoved, MessageEmitted, TurnTaken, WorkEnded};
use crate::state::ids::{Login, TicketId, TicketNumber};
use crate::state::linked::Linked;
use crate::state::message::{self, Data};
use crate::state::people::{self, Away, Directory, Person, PersonKind, Settings};
use crate::state::snapshot::{Incident, Snapshot, Waits, WorkItem, WorkStatus};
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value as Json;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use vorgang_definitions::calendar::later;
use vorgang_definitions::display::display_time;
use vorgang_definitions::kinds::test::{PersonKind as TestPerson, Steering, Step, Test};
use vorgang_definitions::load::Named;
use vorgang_definitions::model::Model;
use vorgang_definitions::source::Span;
use vorgang_definitions::value_expr::{Entered, Plain};

/// Messages that one step may set off.
const DELIVERIES_MAX: usize = 1_000;

/// Timers that one `advance` lets fire.
const FIRES_MAX: usize = 10_000;

/// How one test ended.
#[derive(Debug, Clone)]
pub struct Report {
    pub name: String,
    pub failures: Vec<(Span, String)>,
    /// One line per command and event, for whoever looks for the reason.
    pub log: Vec<String>,
    /// What it has reached.
    pub coverage: Coverage,
}

pub(crate) struct Story<'a> {
    model: &'a Model,
    people: Directory,
    now: Timestamp,
    /// In the order in which they were made.
    tickets: Vec<Kept>,
    /// The one that the steps are about.
    at: Option<usize>,
    events: Vec<Event>,
    /// Messages that were sent and have not been delivered.
    sent: VecDeque<Sent>,
    /// Those that reached nobody, and wait.
    waiting: Vec<Sent>,
    report: Report,
    trace: Trace,
    numbers: i64,
    observer: &'a mut dyn FnMut(&Decision),
}

struct Sent {
    name: String,
    data: Data,
    at: Timestamp,
    until: Option<Timestamp>,
    hops: u32,
}

/// A ticket of the story.
struct Kept {
    snapshot: Snapshot,
    content: Content,
    /// Activities that were completed, in their order.
    trace: Vec<String>,
}

pub fn play(model: &Model, test: &Test) -> Report {
    play_observed(model, test, &mut |_| {})
}

/// As [`play`]; each decision is shown before the story keeps it, in the order of its commits.
pub fn play_observed(model: &Model, test: &Test, observer: &mut dyn FnMut(&Decision)) -> Report {
    let people = test.people.iter().map(|(login, p)| Person {
        login: login.as_str().into(),
        name: p.title.clone().unwrap_or_else(|| login.to_string()),
        email: format!("{login}@example.org"),
        kind: match p.person_kind {
            TestPerson::Customer => PersonKind::Customer,
            TestPerson::Agent => PersonKind::Agent,
        },
        company: p.company.as_ref().map(ToString::to_string),
        language: model.names.site.main_language().to_owned(),
        roles: p.roles.iter().map(ToString::to_string).collect(),
        active: true,
        settings: Settings {
            skills: p.skills.iter().map(ToString::to_string).collect(),
            manager: p.manager.as_ref().map(|m| m.as_str().into()),
            away: p.away.as_ref().map(|s| Away { from: Date::MIN, until: Date::MAX, substitute: Some(s.as_str().into()) }),
            ..Settings::default()
        },
    });
    // A fixed day, so that a story without `at` is the same every time.
    let beginning = test.starts_at.map_or_else(|| Timestamp::constant(1_772_438_400, 0), |t| t.0);
    let mut story = Story {
        model,
        people: Directory::new(people),
        now: beginning,
        tickets: vec![],
        at: None,
        events: vec![],
        sent: VecDeque::new(),
        waiting: vec![],
        report: Report { name: test.name.to_string(), failures: vec![], log: vec![], coverage: Coverage::default() },
        trace: Trace::default(),
        numbers: 0,
        observer,
    };
    for step in &test.steps {
        let before = story.report.failures.len();
        story.step(step);
        if story.report.failures.len() > before {
            break;
        }
    }
    let proves = |s: &Step| s.expect.is_some() || s.refuse.is_some();
    if story.report.failures.is_empty() && !test.steps.iter().any(proves) {
        story.failed(test.name.span, "the test expects nothing: add `expect` or `refuse`");
    }
    let Story { mut report, trace, .. } = story;
    report.coverage.traced(&trace);
    report
}

impl Story<'_> {
    fn failed(&mut self, at: Span, message: impl Into<String>) {
        self.report.failures.push((at, message.into()));
    }

    fn snapshot(&self) -> Option<&Snapshot> {
        self.at.map(|i| &self.tickets[i].snapshot)
    }

    fn time(&self, at: Timestamp) -> String {
        display_time(at, "en", &self.model.names.site.zone.0)
    }

    /// The articles and links of a ticket; a link is seen from both ends.
    fn content(&self, of: &Kept) -> Content {
        let id = of.snapshot.ticket.id;
        let from = |t: &Kept| {
            let seen = |l: &Linked| Linked {
                id: t.snapshot.ticket.id,
                number: t.snapshot.ticket.number.clone(),
                kind: Linked::turned(&l.kind).to_owned(),
            };
            t.content.links.iter().filter(|l| l.id == id).map(seen).collect::<Vec<_>>()
        };
        let links = of.content.links.iter().cloned().chain(self.tickets.iter().flat_map(from)).collect();
        Content { articles: of.content.articles.clone(), links }
    }

    /// Id and number of a new ticket.
    fn number(&self, place: usize) -> (TicketId, TicketNumber) {
        let id = self.numbers + 1 + place as i64;
        (TicketId(id), format!("{}", 100_000 + id).into())
    }

    /// The answer to a question that a command waits for; `None` for numbers, which are not facts of the site.
    fn fact(&self, asked: &LookUp) -> Option<Fact> {
        let ticket = |number: &TicketNumber| self.tickets.iter().find(|t| t.snapshot.ticket.number == *number);
        Some(match asked {
            LookUp::Numbers(_) => return None,
            LookUp::Ticket(number) => Fact::Ticket(ticket(number).map(|t| Arc::new(t.snapshot.clone()))),
            LookUp::Content(number) => Fact::Content(ticket(number).map(|t| Arc::new(self.content(t)))),
            // Steps of a test follow one another: nobody is faster than a form.
            LookUp::Changes { .. } => Fact::Changes(Arc::default()),
            LookUp::Mutex { name, key } => {
                let holder = self.tickets.iter().find(|t| t.snapshot.holds(name, key).is_some());
                let waits = |w: &&WorkItem| matches!(w.more.as_ref().and_then(|m| m.waits.as_ref()), Some(Waits::Mutex { name: Some(n), key: Some(k), .. }) if n == name && k == key);
                let mut waiters: Vec<(Timestamp, usize, TicketNumber)> = vec![];
                for (place, t) in self.tickets.iter().enumerate() {
                    waiters.extend(t.snapshot.open_work().filter(waits).map(|w| (w.entered, place, t.snapshot.ticket.number.clone())));
                }
                waiters.sort();
                let mut waiters: Vec<TicketNumber> = waiters.into_iter().map(|(_, _, number)| number).collect();
                waiters.dedup();
                let holder = holder.map(|t| (t.snapshot.ticket.id, t.snapshot.ticket.number.clone()));
                Fact::Mutex(MutexFact { holder, rev: 0, waiters })
            }
            LookUp::Turn(place) => {
                let last = self.events.iter().rev().find_map(|e| match e {
                    Event::TurnTaken(TurnTaken { place: p, person, .. }) if p == place => Some(person.clone()),
                    _ => None,
                });
                Fact::Turn(last)
            }
            LookUp::Load(login) => {
                let open = self.tickets.iter().flat_map(|t| t.snapshot.open_work());
                Fact::Load(open.filter(|w| w.claimed_by.as_ref() == Some(login)).count() as u32)
            }
        })
    }

    fn decide(&mut self, command: &Command, actor: &Person) -> Result<Decision, Rejection> {
        let own = usize::from(command.creates());
        let new_ticket = command.creates().then(|| self.number(0));
        let (mut numbers, mut known) = (vec![], BTreeMap::new());
        loop {
            let facts = Facts::new(numbers.clone(), known.clone());
            let new_ticket = new_ticket.clone();
            let ctx = Context { new_ticket, facts: &facts, trace: Some(&self.trace), ..Context::trial(self.now, actor, &self.people) };
            let answer = decide(self.model, self.snapshot().filter(|_| !command.creates()), command, &ctx);
            let look_ups = match answer.known() {
                Ok(decided) => {
                    let made = decided.as_ref().map_or(0, Decision::tickets_made);
                    self.numbers += (own + made) as i64;
                    return decided;
                }
                Err(look_ups) => look_ups,
            };
            for asked in look_ups {
                match self.fact(&asked) {
                    Some(fact) => drop(known.insert(asked, fact)),
                    None => numbers.push(self.number(own + numbers.len())),
                }
            }
        }
    }

    fn step(&mut self, step: &Step) {
        if let Some(n) = step.ticket {
            match usize::try_from(n.0 - 1).ok().filter(|i| *i < self.tickets.len()) {
                Some(i) => self.at = Some(i),
                None => return self.failed(step.at, format!("{} tickets were made so far", self.tickets.len())),
            }
        }
        if let Some(duration) = &step.advance {
            match later(self.now, duration.0, None, &self.model.names.site.zone.0) {
                Some(to) => self.advance(step, to),
                None => self.failed(step.at, "the clock cannot go that far"),
            }
            return;
        }
        if let Some(expect) = &step.expect {
            return self.expect(step.at, expect, step.actor.as_deref());
        }
        if let Some(job) = &step.job {
            self.report.log.push(format!("job {job}"));
            self.by_system(step, &Command::RunJob(RunJob { job: job.to_string() }));
            return;
        }
        if let Some(mail) = &step.mail {
            return self.mail(step, mail);
        }
        if let Some(name) = &step.message {
            let shape = self.model.names.messages.get(name.as_str());
            let given = step.with.iter().filter_map(|(key, v)| match v {
                Entered::Plain(plain) => Some((key.to_string(), plain.to_json())),
                Entered::Expr(_) => None,
            });
            match shape.map(|s| message::read(s, &given.collect())) {
                Some(Ok(data)) => {
                    self.report.log.push(format!("message {name} comes"));
                    let until = message::kept_until(self.model, name, self.now);
                    self.sent.push_back(Sent { name: name.to_string(), data, at: self.now, until, hops: 0 });
                    self.deliver(step);
                }
                _ => self.failed(step.at, format!("`{name}` does not carry that")),
            }
            return;
        }
        if let Some(program) = &step.answer {
            let open = self.snapshot().and_then(|s| s.calls.iter().find(|c| c.program == program.as_str())).map(|c| c.seq);
            let Some(call) = open else { return self.failed(step.at, format!("the program `{program}` is not to run")) };
            let result = step.fails.clone().map_or_else(|| Ok(step.output.clone().unwrap_or_default()), Err);
            self.report.log.push(format!("program {program} ends"));
            self.by_system(step, &Command::AnswerCall(AnswerCall { call, result }));
            return;
        }
        let Some(actor) = step.actor.as_ref().and_then(|a| self.people.get(a)).cloned() else {
            return self.failed(step.at, "nobody does this step");
        };
        let command = match self.command(step) {
            Ok(command) => command,
            Err(Some(message)) => return self.failed(step.at, message),
            // The work is not there: the same refusal as at the door.
            Err(None) => return self.judge(step, Err(Rejection::Gone), &actor.login),
        };
        let result = self.decide(&command, &actor);
        self.judge(step, result, &actor.login);
        self.deliver(step);
    }

    /// As [`Self::by_system_alone`], and what it sends is delivered.
    fn by_system(&mut self, step: &Step, command: &Command) -> bool {
        let done = self.by_system_alone(step, command);
        self.deliver(step);
        done
    }

    /// False when it was refused.
    fn by_system_alone(&mut self, step: &Step, command: &Command) -> bool {
        match self.decide(command, &people::system()) {
            Ok(decision) if decision.events.is_empty() => true,
            Ok(decision) => {
                self.commit(decision);
                true
            }
            Err(rejection) => {
                let said = self.describe(&rejection);
                self.failed(step.at, format!("{} was refused: {said}", command.word()));
                false
            }
        }
    }

    /// Messages to all tickets, in the order in which they were sent; then those that wait, where something has changed.
    fn deliver(&mut self, step: &Step) {
        let at = self.at;
        for _ in 0..DELIVERIES_MAX {
            let Some(sent) = self.sent.pop_front() else {
                self.waiting.retain(|w| w.until.is_some_and(|u| u > self.now));
                let waiting = std::mem::take(&mut self.waiting);
                self.waiting = waiting.into_iter().filter(|w| !self.reaches(step, w)).collect();
                if self.sent.is_empty() {
                    self.at = at;
                    return;
                }
                continue;
            };
            if !self.reaches(step, &sent) && sent.until.is_some_and(|u| u > self.now) {
                self.waiting.push(sent);
            }
        }
        self.at = at;
        self.failed(step.at, format!("more than {DELIVERIES_MAX} messages set each other off"));
    }

    /// False where it changed nothing.
    fn reaches(&mut self, step: &Step, sent: &Sent) -> bool {
        let mut reached = false;
        for ticket in 0..self.tickets.len() {
            self.at = Some(ticket);
            let before = self.tickets[ticket].snapshot.version;
            let command = Command::ReceiveMessage(ReceiveMessage {
                name: sent.name.clone(),
                data: sent.data.clone(),
                sent: sent.at,
                hops: sent.hops,
            });
            self.by_system_alone(step, &command);
            reached |= self.tickets[ticket].snapshot.version != before;
        }
        reached
    }

    /// Every timer on the way fires at its own time, whichever ticket's it is.
    fn advance(&mut self, step: &Step, to: Timestamp) {
        let at = self.at;
        for _ in 0..FIRES_MAX {
            let timers = self
                .tickets
                .iter()
                .enumerate()
                .flat_map(|(i, t)| t.snapshot.timers.iter().filter_map(move |timer| Some((timer.fires()?, i, timer.seq))));
            let Some((due, ticket, seq)) = timers.filter(|(due, ..)| *due <= to).min() else {
                self.now = to;
                self.report.log.push(format!("clock is {}", self.time(to)));
                break;
            };
            self.now = self.now.max(due);
            self.report.log.push(format!("clock is {}", self.time(self.now)));
            self.at = Some(ticket);
            if !self.by_system(step, &Command::FireTimer(FireTimer { timer: seq })) {
                return;
            }
        }
        self.at = at;
        if self.now < to {
            self.failed(step.at, format!("more than {FIRES_MAX} timers fired"));
        }
    }

    fn judge(&mut self, step: &Step, result: Result<Decision, Rejection>, actor: &str) {
        let target = [&step.start, &step.create, &step.submit, &step.vote, &step.claim, &step.release].into_iter().flatten().next();
        let target = target.or_else(|| step.steer.as_ref()?.activity());
        let word = step.verbs().first().copied().unwrap_or_default();
        let line = format!("{actor}: {word} {}", target.map_or("", |t| t.as_str()));
        match (result, &step.refuse) {
            (Ok(decision), None) => {
                self.report.log.push(line);
                let roles = self.people.get(actor).map(|p| p.roles.clone()).unwrap_or_default();
                self.report.coverage.acted(&roles, &decision.after.ticket.queue);
                self.commit(decision);
            }
            (Ok(_), Some(refusal)) => self.failed(step.at, format!("expected a refusal (`{}`), but it was accepted", refusal.word())),
            (Err(rejection), Some(refusal)) => {
                self.report.log.push(format!("{line}: refused, {}", rejection.word()));
                let word = if rejection == Rejection::NotFound { "right" } else { rejection.word() };
                let said = self.describe(&rejection);
                if word != refusal.word() {
                    self.failed(step.at, format!("refused as `{word}`, expected `{}`: {said}", refusal.word()));
                } else if let Some(part) = step.because.as_ref().filter(|part| !said.contains(part.as_str())) {
                    self.failed(step.at, format!("the refusal says \"{said}\", expected \"{part}\" in it"));
                }
            }
            (Err(rejection), None) => {
                let said = self.describe(&rejection);
                self.failed(step.at, format!("refused: {said}"));
            }
        }
    }

    /// What the person is told, in the site's own language.
    fn describe(&self, rejection: &Rejection) -> String {
        let language = self.model.names.site.main_language();
        match rejection {
            Rejection::Form(errors) => {
                let one = |(field, error): &(String, FormError)| {
                    format!("{} {}", if field.is_empty() { "the form" } else { field }, error.say(language))
                };
                errors.iter().map(one).collect::<Vec<_>>().join("; ")
            }
            other => other.say(language),
        }
    }

    /// The steps that follow are about the ticket that the command was for.
    fn commit(&mut self, decision: Decision) {
        (self.observer)(&decision);
        let number = decision.after.ticket.number.clone();
        self.keep(decision);
        self.at = self.tickets.iter().position(|t| t.snapshot.ticket.number == number);
    }

    fn keep(&mut self, decision: Decision) {
        let number = &decision.after.ticket.number;
        let known = self.tickets.iter().position(|t| t.snapshot.ticket.number == *number);
        let at = known.unwrap_or_else(|| {
            self.tickets.push(Kept { snapshot: decision.after.clone(), content: Content::default(), trace: vec![] });
            self.tickets.len() - 1
        });
        let Kept { content, trace, .. } = &mut self.tickets[at];
        for event in &decision.events {
            self.report.log.push(format!("  {}", event.summary(&self.model.names)));
            if let Event::WorkEnded(WorkEnded { seq, status: WorkStatus::Done, outcome: Some(_), .. }) = event {
                let item = decision.after.item(*seq).filter(|w| w.copy().is_none());
                trace.extend(item.map(|w| w.activity.clone()));
            }
            match event {
                Event::ArticleAdded(ArticleAdded { article }) => content.articles.push(article.clone()),
                Event::MessageEmitted(MessageEmitted { name, data, until, hops }) => {
                    self.sent.push_back(Sent { name: name.clone(), data: data.clone(), at: self.now, until: *until, hops: *hops });
                }
                Event::LinkAdded(LinkAdded { other, number, kind, .. }) => {
                    content.links.push(Linked { id: *other, number: number.clone(), kind: kind.clone() });
                }
                Event::LinkRemoved(LinkRemoved { other, kind, .. }) => content.links.retain(|l| l.id != *other || l.kind != *kind),
                other => self.report.coverage.saw(other, &decision.after),
            }
        }
        self.events.extend(decision.events);
        // Ended instances are kept: `expect` asks for their outcome.
        self.tickets[at].snapshot = decision.after;
        for made in decision.made {
            self.report.log.push(format!(" ticket {}", made.after.ticket.number));
            self.keep(made);
        }
    }

    /// `Err(None)` when the activity has no open work.
    fn command(&mut self, step: &Step) -> Result<Command, Option<String>> {
        let form = |s: &Self| {
            Ok::<Form, Option<String>>(Form {
                dialog: step.dialog.as_ref().map(ToString::to_string),
                outcome: step.outcome.as_ref().map(ToString::to_string),
                values: s.values(&step.with).map_err(Some)?,
                article: step.article.as_ref().map(|text| written(step, text, true)),
                ..Form::default()
            })
        };
        if let Some(process) = &step.start {
            return Ok(Command::StartProcess(StartProcess { process: process.to_string(), form: form(self)? }));
        }
        if let Some(ticket_type) = &step.create {
            let mut fields = self.values(&step.with).map_err(Some)?;
            let mut text = |name: &str| fields.remove(name).and_then(|v| v.as_str().map(str::to_owned));
            let first = || self.model.names.queues.iter().next().map_or(String::new(), |q| q.name.to_string());
            return Ok(Command::CreateTicket(NewTicket {
                ticket_type: ticket_type.to_string(),
                title: text("title").unwrap_or_else(|| ticket_type.to_string()),
                queue: text("queue").unwrap_or_else(first),
                state: text("state"),
                priority: text("priority"),
                customer_user: text("customer_user").map(Login::from),
                article: step.article.as_ref().map(|text| written(step, text, true)),
                fields,
                blobs: vec![],
            }));
        }
        if let Some(patch) = &step.patch {
            return Ok(Command::PatchTicket(PatchTicket {
                values: self.values(patch).map_err(Some)?,
                seen: None,
                expected: None,
                blobs: vec![],
            }));
        }
        if let Some(text) = &step.write {
            return Ok(Command::AddArticle(AddArticle { article: written(step, text, true) }));
        }
        if let Some(text) = &step.note {
            return Ok(Command::AddArticle(AddArticle { article: written(step, text, false) }));
        }
        if let Some(watch) = step.watch {
            return Ok(Command::WatchTicket(WatchTicket { watch }));
        }
        if let Some(n) = step.merge {
            let into = usize::try_from(n.0 - 1)
                .ok()
                .and_then(|i| self.tickets.get(i))
                .ok_or_else(|| Some("there is no such ticket yet".to_owned()))?;
            return Ok(Command::MergeTicket(MergeTicket { into: into.snapshot.ticket.number.clone() }));
        }
        if let Some(steering) = &step.steer {
            return self.steer(step, steering);
        }
        if let Some(text) = &step.incident {
            let snapshot = self.snapshot().ok_or(Some("there is no ticket yet".to_owned()))?;
            let meant = |i: &&Incident| i.resolved.is_none() && (i.kind == *text || i.message.contains(text));
            let incident = snapshot.incidents.iter().find(meant).map(|i| i.seq).ok_or(None)?;
            return Ok(Command::RetryIncident(RetryIncident { incident }));
        }
        let activity = [&step.submit, &step.vote, &step.claim, &step.release].into_iter().flatten().next().ok_or(None)?;
        let snapshot = self.snapshot().ok_or(Some("there is no ticket yet".to_owned()))?;
        let open = |w: &&WorkItem| {
            w.activity == activity.as_str() && is_meant(step, w) && matches!(w.status, WorkStatus::Offered | WorkStatus::Started)
        };
        let work = snapshot.work.iter().find(open).map(|w| w.seq).ok_or(None)?;
        if step.claim.is_some() {
            return Ok(Command::ClaimWork(ClaimWork { work }));
        }
        if step.release.is_some() {
            return Ok(Command::ReleaseWork(ReleaseWork { work }));
        }
        let mut form = form(self)?;
        if step.vote.is_some() {
            form.dialog = Some("approval".into());
        }
        Ok(Command::SubmitDialog(SubmitDialog { work, form }))
    }

    fn steer(&self, step: &Step, steering: &Steering) -> Result<Command, Option<String>> {
        let snapshot = self.snapshot().ok_or(Some("there is no ticket yet".to_owned()))?;
        let (word, activity) = steering.given().first().copied().ok_or(None)?;
        let hand = if word == "redo" {
            let instance = snapshot.instances.iter().rev().find(|i| i.outcome.is_none()).map(|i| i.seq).ok_or(None)?;
            Hand::Redo { instance, activity: activity.to_string() }
        } else {
            let meant = |w: &&WorkItem| w.activity == activity.as_str() && w.copy().is_none() == step.item.is_none() && is_meant(step, w);
            let work = snapshot.open_work().find(meant).map(|w| w.seq).ok_or(None)?;
            Hand::of_work(word, work, steering.outcome.as_ref().map(ToString::to_string), steering.to.as_ref().map(ToString::to_string))
                .ok_or(None)?
        };
        Ok(Command::Steer(Steer { hand, reason: steering.reason.clone().unwrap_or_default(), anyway: steering.anyway }))
    }

    fn values(&self, given: &Named<Entered>) -> Result<BTreeMap<String, Json>, String> {
        given
            .iter()
            .map(|(name, value)| {
                let json = match value {
                    Entered::Plain(plain) => plain.to_json(),
                    Entered::Expr(e) => {
                        let snapshot = self.snapshot().ok_or("there is no ticket yet")?;
                        let system = people::system();
                        let scope = TicketScope::for_person(&self.model.names, snapshot, &system, &self.people, self.now);
                        e.program().evaluate(&scope).map_err(|e| e.to_string())?.to_json()
                    }
                };
                Ok((name.to_string(), json))
            })
            .collect()
    }
}

/// Is it the copy that the step names, where it names one?
fn is_meant(step: &Step, item: &WorkItem) -> bool {
    step.item.as_ref().is_none_or(|of| item.copy().is_some_and(|c| c.element.to_string() == written_out(of)))
}

/// A plain value as text.
pub(crate) fn written_out(value: &Plain) -> String {
    match value.to_json() {
        Json::String(s) => s,
        other => other.to_string(),
    }
}

fn written(step: &Step, text: &str, visible: bool) -> ArticleInput {
    ArticleInput { body: text.to_owned(), visible, minutes: step.minutes.map(|m| m.0 as u32), ..ArticleInput::default() }
}
