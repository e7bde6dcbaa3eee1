//! Plays a site's `Test` definitions in virtual time, through the same `decide` as everything else.

use crate::command::{ArticleInput, Command, Context, Form, Linked, NewTicket};
use crate::coverage::{Coverage, Trace};
use crate::decide::choices::choices;
use crate::decide::{Decision, decide};
use crate::event::Event;
use crate::facts::{Content, Facts, Other};
use crate::message::{self, Data};
use crate::people::{Directory, Person, PersonKind};
use crate::rejection::Rejection;
use crate::snapshot::{Snapshot, WorkStatus};
use jiff::Timestamp;
use serde_json::Value as Json;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use vorgang_definitions::calendar::later;
use vorgang_definitions::kinds::process::Next;
use vorgang_definitions::kinds::test::{Expect, PersonKind as TestPerson, Step, Test};
use vorgang_definitions::load::Named;
use vorgang_definitions::model::Model;
use vorgang_definitions::source::Span;
use vorgang_definitions::value_expr::ValueExpr;
use vorgang_definitions::values::{Slot, from_stored, when_unset};

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

struct Story<'a> {
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
    numbers: i64,
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
}

/// Tickets that one command may make.
const MADE_MAX: i64 = 100;

pub fn play(model: &Model, test: &Test) -> Report {
    let people = test.people.iter().map(|(login, p)| Person {
        login: login.to_string(),
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
        settings: Default::default(),
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
        numbers: 0,
    };
    for step in &test.steps {
        let before = story.report.failures.len();
        story.step(step);
        if story.report.failures.len() > before {
            break;
        }
    }
    story.report
}

impl Story<'_> {
    fn failed(&mut self, at: Span, message: impl Into<String>) {
        self.report.failures.push((at, message.into()));
    }

    fn snapshot(&self) -> Option<&Snapshot> {
        self.at.map(|i| &self.tickets[i].snapshot)
    }

    /// What a command may ask for: everything that there is.
    fn facts(&self) -> Facts {
        let number = |n: i64| (n, format!("{}", 100_000 + n));
        let all = || self.tickets.iter().map(|t| (t.snapshot.ticket.number.clone(), t));
        let others = all().map(|(n, t)| (n, Arc::new(Other { snapshot: t.snapshot.clone() }))).collect();
        // A link is seen from both ends.
        let turned = |of: &Kept| {
            let id = of.snapshot.ticket.id;
            let from = |(number, t): (String, &Kept)| {
                let there = t.content.links.iter().filter(|l| l.id == id);
                let seen =
                    |l: &Linked| Linked { id: t.snapshot.ticket.id, number: number.clone(), kind: Linked::turned(&l.kind).to_owned() };
                there.map(seen).collect::<Vec<_>>()
            };
            let links = all().flat_map(from);
            Content { articles: of.content.articles.clone(), links: of.content.links.iter().cloned().chain(links).collect() }
        };
        let contents = all().map(|(n, t)| (n, Arc::new(turned(t)))).collect();
        Facts::new((1..=MADE_MAX).map(|i| number(self.numbers + i)).collect(), others, contents)
    }

    fn decide(&mut self, command: &Command, actor: &Person) -> Result<Decision, Rejection> {
        let facts = self.facts();
        let new_ticket = if command.creates() { facts.number() } else { None };
        let trace = Trace::default();
        let ctx = Context { new_ticket, facts: &facts, trace: Some(&trace), ..Context::trial(self.now, actor, &self.people) };
        let result = decide(self.model, self.snapshot().filter(|_| !command.creates()), command, &ctx);
        self.report.coverage.asked(trace.into_inner());
        self.numbers += facts.taken() as i64;
        result
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
            self.by_system(step, &Command::RunJob { job: job.to_string() });
            return;
        }
        if let Some(name) = &step.message {
            let shape = self.model.names.messages.get(name.as_str());
            let given = step.with.iter().filter_map(|(key, v)| match v {
                ValueExpr::Literal(l) => Some((key.to_string(), l.node.to_json())),
                ValueExpr::Expr(_) => None,
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
            self.by_system(step, &Command::AnswerCall { call, result });
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
        match self.decide(command, &crate::people::system()) {
            Ok(decision) if decision.events.is_empty() => true,
            Ok(decision) => {
                self.commit(decision);
                true
            }
            Err(rejection) => {
                self.failed(step.at, format!("{} was refused: {}", command.word(), describe(&rejection)));
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
            let command = Command::ReceiveMessage { name: sent.name.clone(), data: sent.data.clone(), sent: sent.at, hops: sent.hops };
            self.by_system_alone(step, &command);
            reached |= self.tickets[ticket].snapshot.version != before;
        }
        reached
    }

    /// Every timer on the way fires at its own time, whichever ticket's it is.
    fn advance(&mut self, step: &Step, to: Timestamp) {
        let at = self.at;
        for _ in 0..FIRES_MAX {
            let timers =
                self.tickets.iter().enumerate().flat_map(|(i, t)| t.snapshot.timers.iter().map(move |timer| (timer.due, i, timer.seq)));
            let Some((due, ticket, seq)) = timers.filter(|(due, ..)| *due <= to).min() else {
                self.now = to;
                self.report.log.push(format!("clock is {to}"));
                break;
            };
            self.now = self.now.max(due);
            self.report.log.push(format!("clock is {}", self.now));
            self.at = Some(ticket);
            if !self.by_system(step, &Command::FireTimer { timer: seq }) {
                return;
            }
        }
        self.at = at;
        if self.now < to {
            self.failed(step.at, format!("more than {FIRES_MAX} timers fired"));
        }
    }

    fn judge(&mut self, step: &Step, result: Result<Decision, Rejection>, actor: &str) {
        let target = [&step.start, &step.create, &step.submit, &step.vote, &step.claim].into_iter().flatten().next();
        let word = step.verbs().first().copied().unwrap_or_default();
        let line = format!("{actor}: {word} {}", target.map_or("", |t| t.as_str()));
        match (result, &step.refuse) {
            (Ok(decision), None) => {
                self.report.log.push(line);
                self.commit(decision);
            }
            (Ok(_), Some(refusal)) => self.failed(step.at, format!("expected a refusal (`{}`), but it was accepted", refusal.word())),
            (Err(rejection), Some(refusal)) => {
                self.report.log.push(format!("{line}: refused, {}", rejection.word()));
                let word = if rejection == Rejection::NotFound { "right" } else { rejection.word() };
                if word != refusal.word() {
                    self.failed(step.at, format!("refused as `{}`, expected `{}`: {}", word, refusal.word(), describe(&rejection)));
                }
            }
            (Err(rejection), None) => self.failed(step.at, format!("refused: {}", describe(&rejection))),
        }
    }

    /// The steps that follow are about the ticket that the command was for.
    fn commit(&mut self, decision: Decision) {
        let number = decision.after.ticket.number.clone();
        self.keep(decision);
        self.at = self.tickets.iter().position(|t| t.snapshot.ticket.number == number);
    }

    fn keep(&mut self, decision: Decision) {
        let number = &decision.after.ticket.number;
        let known = self.tickets.iter().position(|t| t.snapshot.ticket.number == *number);
        let at = known.unwrap_or_else(|| {
            self.tickets.push(Kept { snapshot: decision.after.clone(), content: Content::default() });
            self.tickets.len() - 1
        });
        let content = &mut self.tickets[at].content;
        for event in &decision.events {
            self.report.log.push(format!("  {}", summary(event)));
            match event {
                Event::ArticleAdded { article } => content.articles.push(article.clone()),
                Event::MessageEmitted { name, data, until, hops } => {
                    self.sent.push_back(Sent { name: name.clone(), data: data.clone(), at: self.now, until: *until, hops: *hops });
                }
                Event::LinkAdded { other, number, kind, .. } => {
                    content.links.push(Linked { id: *other, number: number.clone(), kind: kind.clone() });
                }
                Event::LinkRemoved { other, kind, .. } => content.links.retain(|l| l.id != *other || l.kind != *kind),
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
            return Ok(Command::StartProcess { process: process.to_string(), form: form(self)? });
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
                customer_user: text("customer_user"),
                article: step.article.as_ref().map(|text| written(step, text, true)),
                fields,
                blobs: vec![],
            }));
        }
        if let Some(patch) = &step.patch {
            return Ok(Command::PatchTicket { values: self.values(patch).map_err(Some)?, seen: None, expected: None, blobs: vec![] });
        }
        if let Some(text) = &step.write {
            return Ok(Command::AddArticle { article: written(step, text, true) });
        }
        if let Some(text) = &step.note {
            return Ok(Command::AddArticle { article: written(step, text, false) });
        }
        if let Some(watch) = step.watch {
            return Ok(Command::WatchTicket { watch });
        }
        if let Some(n) = step.merge {
            let into = usize::try_from(n.0 - 1)
                .ok()
                .and_then(|i| self.tickets.get(i))
                .ok_or_else(|| Some("there is no such ticket yet".to_owned()))?;
            return Ok(Command::MergeTicket { into: into.snapshot.ticket.number.clone() });
        }
        let activity = step.submit.as_ref().or(step.vote.as_ref()).or(step.claim.as_ref()).ok_or(None)?;
        let snapshot = self.snapshot().ok_or(Some("there is no ticket yet".to_owned()))?;
        let element = step.item.as_ref().map(written_out);
        let open = |w: &&crate::snapshot::WorkItem| {
            let meant = element.as_ref().is_none_or(|e| w.copy().is_some_and(|c| c.element.to_string() == *e));
            w.activity == activity.as_str() && meant && matches!(w.status, WorkStatus::Offered | WorkStatus::Started)
        };
        let work = snapshot.work.iter().find(open).map(|w| w.seq).ok_or(None)?;
        if step.claim.is_some() {
            return Ok(Command::ClaimWork { work });
        }
        let mut form = form(self)?;
        if step.vote.is_some() {
            form.dialog = Some("approval".into());
        }
        Ok(Command::SubmitDialog { work, form })
    }

    fn values(&self, given: &Named<ValueExpr>) -> Result<BTreeMap<String, Json>, String> {
        given
            .iter()
            .map(|(name, value)| {
                let json = match value {
                    ValueExpr::Literal(l) => l.node.to_json(),
                    ValueExpr::Expr(e) => {
                        let snapshot = self.snapshot().ok_or("there is no ticket yet")?;
                        let system = crate::people::system();
                        let scope = crate::scope::TicketScope::of(&self.model.names, snapshot, &system, &self.people, self.now);
                        e.program().evaluate(&scope).map_err(|e| e.to_string())?.to_json()
                    }
                };
                Ok((name.to_string(), json))
            })
            .collect()
    }

    fn expect(&mut self, at: Span, expect: &Expect, whose: Option<&str>) {
        let Some(snapshot) = self.snapshot().cloned() else {
            return self.failed(at, "there is no ticket yet");
        };
        let ticket = &snapshot.ticket;
        let mut wrong = vec![];
        let mut same = |what: &str, wanted: Option<&str>, found: &str| {
            if let Some(wanted) = wanted.filter(|w| *w != found) {
                wrong.push(format!("{what} is `{found}`, expected `{wanted}`"));
            }
        };
        same("state", expect.state.as_deref(), &ticket.state);
        same("type", expect.ticket_type.as_deref(), &ticket.ticket_type);
        same("queue", expect.queue.as_deref(), &ticket.queue);
        same("priority", expect.priority.as_deref(), &ticket.priority);
        same("owner", expect.owner.as_deref(), ticket.owner.as_deref().unwrap_or("nobody"));
        same("lock", expect.lock.map(|l| l.to_string()).as_deref(), &ticket.lock().to_string());
        same("accounted", expect.accounted.map(|m| m.0.to_string()).as_deref(), &ticket.accounted.to_string());
        let ended = snapshot.instances.iter().rev().find_map(|i| i.outcome.as_deref());
        same("outcome", expect.outcome.as_deref(), ended.unwrap_or("(running)"));
        if let Some(wanted) = &expect.work {
            wrong.extend(self.work(&snapshot, &wanted.iter().map(|n| n.as_str()).collect::<Vec<_>>()));
        }
        let open_incidents: Vec<_> = snapshot.incidents.iter().filter(|i| i.resolved.is_none()).collect();
        if let Some(count) = expect.incidents.filter(|c| c.0 != open_incidents.len() as i64) {
            let list = open_incidents.iter().map(|i| i.message.as_str()).collect::<Vec<_>>().join("; ");
            wrong.push(format!("{} incidents are open, expected {}: {list}", open_incidents.len(), count.0));
        }
        let content = self.at.map(|i| self.tickets[i].content.clone()).unwrap_or_default();
        if let Some(count) = expect.articles.filter(|c| c.0 != content.articles.len() as i64) {
            wrong.push(format!("there are {} articles, expected {}", content.articles.len(), count.0));
        }
        let visible = content.articles.iter().filter(|a| a.visible).count();
        if let Some(count) = expect.visible.filter(|c| c.0 != visible as i64) {
            wrong.push(format!("customers may read {visible} articles, expected {}", count.0));
        }
        let made = self.events.iter().filter(|e| matches!(e, Event::TicketMade { .. })).count();
        if let Some(count) = expect.created.filter(|c| c.0 != made as i64) {
            wrong.push(format!("{made} tickets were made, expected {}", count.0));
        }
        if let Some(wanted) = &expect.watchers {
            let mut wanted: Vec<&str> = wanted.iter().map(|n| n.as_str()).collect();
            wanted.sort_unstable();
            if *snapshot.watchers != wanted {
                wrong.push(format!("[{}] watch, expected [{}]", snapshot.watchers.join(", "), wanted.join(", ")));
            }
        }
        for (name, value) in expect.data.iter() {
            let data = snapshot.instances.iter().rev().find_map(|i| i.more.as_ref()?.data.get(name.as_str()).map(ToString::to_string));
            let (found, wanted) = (data.unwrap_or_else(|| "null".into()), written_out(value));
            if found != wanted {
                wrong.push(format!("`process.data.{name}` is `{found}`, expected `{wanted}`"));
            }
        }
        for (name, value) in expect.fields.iter() {
            wrong.extend(self.field(&snapshot, name, value));
        }
        wrong.extend(self.choices(&snapshot, &expect.choices, whose));
        for (notification, person) in expect.notified.iter().flatten().flat_map(Named::iter) {
            let sent = |e: &Event| matches!(e, Event::NotificationSent { notification: n } if n.name == notification.as_str() && n.to == person.as_str());
            if !self.events.iter().any(sent) {
                wrong.push(format!("`{notification}` was not sent to `{person}`"));
            }
        }
        if !wrong.is_empty() {
            wrong.extend(self.why(&snapshot));
        }
        for message in wrong {
            self.failed(at, message);
        }
    }

    /// What this person may choose by hand, against what is expected.
    fn choices(&self, snapshot: &Snapshot, wanted: &Named<Vec<String>>, whose: Option<&str>) -> Vec<String> {
        let Some(person) = whose.and_then(|login| self.people.get(login)).filter(|_| !wanted.is_empty()) else { return vec![] };
        let ctx = Context::trial(self.now, person, &self.people);
        let found = choices(self.model, snapshot, &ctx, &BTreeMap::new());
        let wrong = |(name, values): (&vorgang_definitions::name::Name, &Vec<String>)| {
            let Some(choice) = found.choice(name) else { return Some(format!("`{name}` has no choices")) };
            let mut left: Vec<&str> = choice.left().filter_map(Json::as_str).collect();
            let mut values: Vec<&str> = values.iter().map(String::as_str).collect();
            left.sort_unstable();
            values.sort_unstable();
            (left != values).then(|| format!("`{name}` can be [{}], expected [{}]", left.join(", "), values.join(", ")))
        };
        wanted.iter().filter_map(wrong).collect()
    }

    /// Tokens that wait, and those that stand for copies or a sub-process, may be listed or left out.
    fn work(&self, snapshot: &Snapshot, wanted: &[&str]) -> Option<String> {
        let mut open: Vec<(&str, WorkStatus)> = snapshot.open_work().map(|w| (w.activity.as_str(), w.status)).collect();
        // What can be done is found before what waits.
        open.sort_by_key(|(activity, status)| (*activity, matches!(status, WorkStatus::Waiting | WorkStatus::Running), *status));
        let mut missing: Vec<&str> = vec![];
        let mut left = open.clone();
        for name in wanted {
            match left.iter().position(|(a, _)| a == name) {
                Some(i) => drop(left.remove(i)),
                None => missing.push(name),
            }
        }
        left.retain(|(_, status)| !matches!(status, WorkStatus::Waiting | WorkStatus::Running));
        if missing.is_empty() && left.is_empty() {
            return None;
        }
        let found = open.iter().map(|(a, s)| format!("{a} ({})", s.word())).collect::<Vec<_>>().join(", ");
        Some(format!("work is [{found}], expected [{}]", wanted.join(", ")))
    }

    fn field(&self, snapshot: &Snapshot, name: &str, value: &ValueExpr) -> Option<String> {
        let ValueExpr::Literal(literal) = value else { return Some(format!("`{name}`: expected values are written plainly")) };
        let slot = Slot::find(&self.model.names, name)?;
        let Slot::Field(field) = slot else { return Some(format!("`{name}` is an attribute, not a field")) };
        let wanted = slot.literal(&literal.node, &self.model.names);
        let found = snapshot.ticket.fields.get(name).and_then(|j| from_stored(field, j)).or_else(|| when_unset(field));
        let same = match (&wanted, &found) {
            (Ok(Some(w)), Some(f)) => w.equals(f),
            (Ok(None), None) => true,
            // Nothing is expected, and what is there says as much.
            (Ok(None), Some(f)) => when_unset(field).is_some_and(|unset| unset.equals(f)),
            _ => false,
        };
        let text = |v: Option<&vorgang_definitions::cel::value::Value>| v.map_or("not set".to_owned(), |v| format!("`{v}`"));
        (!same).then(|| format!("`{name}` is {}, expected {}", text(found.as_ref()), wanted.map_or("a value".into(), |w| text(w.as_ref()))))
    }

    /// What helps to see why it went otherwise: conditions at the last completions, and open incidents.
    fn why(&self, snapshot: &Snapshot) -> Vec<String> {
        let mut lines = vec![];
        let system = crate::people::system();
        for step in snapshot.steps.iter() {
            let Some(instance) = snapshot.instance(step.instance) else { continue };
            let Some(process) = self.model.process_by_hash(&instance.hash) else { continue };
            let Some(activity) = process.def.activities.get(&step.activity) else { continue };
            let scope = crate::scope::TicketScope {
                instance: Some(instance),
                ..crate::scope::TicketScope::of(&self.model.names, snapshot, &system, &self.people, self.now)
            };
            for transition in activity.next.iter().flat_map(Next::branches).flat_map(|(_, b)| b.targets()).filter_map(|(t, _)| t) {
                let Some(when) = &transition.when else { continue };
                if when.program().holds(&scope) == Ok(false) {
                    let values = when.program().values(&scope);
                    let values = values.iter().map(|(k, v)| format!("{k} = {v}")).collect::<Vec<_>>().join(", ");
                    lines.push(format!("after `{}` this was false: {} ({values})", step.activity, when.text.trim()));
                }
            }
        }
        lines.sort();
        lines.dedup();
        lines
    }
}

/// A plain value as text.
fn written_out(value: &ValueExpr) -> String {
    match value {
        ValueExpr::Literal(l) => match l.node.to_json() {
            Json::String(s) => s,
            other => other.to_string(),
        },
        ValueExpr::Expr(e) => e.text.clone(),
    }
}

fn written(step: &Step, text: &str, visible: bool) -> ArticleInput {
    ArticleInput { body: text.to_owned(), visible, minutes: step.minutes.map(|m| m.0 as u32), ..ArticleInput::default() }
}

fn describe(rejection: &Rejection) -> String {
    match rejection {
        Rejection::Form(errors) => errors
            .iter()
            .map(|(f, e)| format!("{} {}", if f.is_empty() { "the form" } else { f }, e.say("en")))
            .collect::<Vec<_>>()
            .join("; "),
        other => other.say("en"),
    }
}

/// One line for logs of tests.
pub fn summary(event: &Event) -> String {
    match event {
        Event::TicketCreated { ticket } => format!("ticket {} created in {}", ticket.number, ticket.queue),
        Event::AttributeSet { name, new, .. } | Event::FieldSet { name, new, .. } => format!("{name} = {new}"),
        Event::ArticleAdded { article } => format!("article by {}: {}", article.author, article.subject),
        Event::TimeAccounted { minutes, by, .. } => format!("{minutes} minutes by {by}"),
        Event::InstanceStarted { instance } => format!("process {} started", instance.process),
        Event::InstanceEnded { outcome, .. } => format!("process ended: {outcome}"),
        Event::WorkEntered { item } => format!("{} entered ({})", item.activity, item.status.word()),
        Event::WorkChanged { seq, status, claimed_by, .. } => {
            format!("work {seq} {}{}", status.word(), claimed_by.as_ref().map_or(String::new(), |c| format!(", claimed by {c}")))
        }
        Event::WorkEnded { seq, status, outcome, .. } => format!("work {seq} {} {}", status.word(), outcome.as_deref().unwrap_or("")),
        Event::WorkNoted { seq, .. } => format!("work {seq} is noted"),
        Event::InstanceNoted { seq, .. } => format!("process {seq} is noted"),
        Event::StepUndone { activity, .. } => format!("{activity} is undone"),
        Event::DialogSubmitted { dialog, outcome, .. } => format!("dialog {dialog} submitted: {outcome}"),
        Event::VoteCast { person, outcome, .. } => format!("{person} votes {outcome}"),
        Event::TimerSet { timer } => format!("timer {} at {}", timer.seq, timer.due),
        Event::TimerFired { seq, .. } => format!("timer {seq} fires"),
        Event::TimerEnded { seq } => format!("timer {seq} is taken back"),
        Event::WatcherAdded { person, .. } => format!("{person} watches"),
        Event::WatcherRemoved { person } => format!("{person} no longer watches"),
        Event::IncidentRaised { incident } => format!("incident: {}", incident.message),
        Event::IncidentResolved { seq, .. } => format!("incident {seq} resolved"),
        Event::NotificationSent { notification } => format!("{} to {}", notification.name, notification.to),
        Event::TicketMade { number, .. } => format!("ticket {number} made"),
        Event::ChildClosed { number, last } => format!("its {}child {number} was closed", if *last { "last open " } else { "" }),
        Event::TicketMerged { number, into: true, .. } => format!("merged into {number}"),
        Event::TicketMerged { number, .. } => format!("{number} merged into it"),
        Event::LinkAdded { number, kind, .. } => format!("{kind} ticket {number} linked"),
        Event::LinkRemoved { number, kind, .. } => format!("{kind} ticket {number} no longer linked"),
        Event::MailEnded { to, message: None, .. } => format!("mail to {to} was sent"),
        Event::MailEnded { to, message: Some(why), .. } => format!("mail to {to} was given up: {why}"),
        Event::MessageEmitted { name, .. } => format!("message {name} is sent"),
        Event::MessageReceived { name, .. } => format!("message {name} has come"),
        Event::MessageKept { message } => format!("message {} is kept", message.name),
        Event::MessageGone { seq } => format!("message {seq} is kept no more"),
        Event::CallWanted { call } => format!("program {} is to run", call.program),
        Event::CallEnded { program, message: None, .. } => format!("program {program} has answered"),
        Event::CallEnded { program, message: Some(why), .. } => format!("program {program} has failed: {why}"),
        Event::MailWanted { .. } => "the mail is sent again".into(),
        Event::MailQueued { outgoing } => {
            format!("mail to {}", outgoing.to.iter().map(|a| a.address.as_str()).collect::<Vec<_>>().join(", "))
        }
        Event::MailTakenBack { article, .. } => format!("article {article} is taken back"),
        Event::MailBounced { address, message, .. } => format!("mail to {address} came back: {message}"),
        Event::ParticipantAdded { participant, .. } => format!("{} takes part", participant.address),
    }
}
