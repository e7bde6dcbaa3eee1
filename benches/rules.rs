//! `cargo bench --bench rules`: what rules cost. Names after `--` choose: acls, handlers, jobs, timers,
//! outbox, deliveries; `postgres` before them runs the last four on PostgreSQL. `jobs` and `timers` make a million tickets each, and need
//! some gigabytes of disk for a while.

mod common;

use common::place::{Ground, Place};
use common::{ROUNDS, agent, ask, connect, median, memory, rounds};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use vorgang_core::commands::{Command, NewTicket, PatchTicket};
use vorgang_core::context::Context;
use vorgang_core::decide;
use vorgang_core::ids::TicketId;
use vorgang_core::people::Directory;
use vorgang_core::snapshot::Snapshot;
use vorgang_definitions::model::Model;
use vorgang_definitions::site::{SiteFile, load};
use vorgang_runtime::clock::SystemClock;
use vorgang_runtime::delivery::{self, AttemptEnd, Channel, LanePlan, Lanes, Retries};
use vorgang_runtime::jobs::{go_on, start_now};
use vorgang_runtime::outbox::{Links, Mail, Mailer, SendError, deliver_due};
use vorgang_runtime::{Desk, Request, revisions};
use vorgang_store::deliveries::{self, Delivery, DeliveryState};
use vorgang_store::due::Work;

/// The server's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SITE: &str = r#"
- { kind: Site, name: bench, language: 1, languages: en, zone: UTC, title: Bench }
- { kind: State, name: new, type: new }
- { kind: State, name: open, type: open }
- { kind: State, name: closed, type: closed }
- { kind: Priority, name: normal, level: 3 }
- { kind: Priority, name: high, level: 4 }
- { kind: State, name: asleep, type: pending_auto, then: open }
- { kind: Role, name: agent, queues: { q0: [rw], q1: [rw], q2: [rw], q3: [rw], q4: [rw], q5: [rw], q6: [rw], q7: [rw], q8: [rw], q9: [rw] } }
- { kind: Field, name: share, type: integer }
- { kind: Field, name: count, type: integer }
- { kind: TicketType, name: case, fields: [count, share], states: [new, open, closed, asleep] }
"#;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let postgres = wanted.iter().any(|w| w == "postgres");
    let all = wanted.len() == usize::from(postgres);
    let is_wanted = |name: &str| all || wanted.iter().any(|w| w == name);
    if is_wanted("acls") && !postgres {
        acls();
    }
    if is_wanted("handlers") && !postgres {
        handlers();
    }
    let folder = std::env::temp_dir().join(format!("vorgang-rules-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let Some(ground) = Ground::new(&folder, postgres) else { return };
    if is_wanted("jobs") {
        runtime.block_on(jobs(&ground, &folder));
    }
    if is_wanted("timers") {
        timers(&ground, &folder, &runtime);
    }
    if is_wanted("outbox") {
        runtime.block_on(outbox(&ground));
    }
    if is_wanted("deliveries") {
        runtime.block_on(deliveries(&ground));
    }
    let _ = std::fs::remove_dir_all(&folder);
}

fn site(more: &str) -> Vec<SiteFile> {
    let queues: String = (0..10).map(|i| format!("- {{ kind: Queue, name: q{i} }}\n")).collect();
    vec![SiteFile { path: "bench.yaml".into(), text: format!("{SITE}{queues}{more}") }]
}

fn model(more: &str) -> Model {
    let loaded = load(&site(more), &[]);
    loaded.model.unwrap_or_else(|| panic!("{}", vorgang_definitions::diagnostic::render_human(&loaded.sources, &loaded.diagnostics, false)))
}

/// A ticket in the first queue, and how long one command on it takes, in microseconds.
fn time(model: &Model, command: &Command, events: usize) -> String {
    let agent = agent();
    let people = Directory::new([agent.clone()]);
    let ctx = Context { new_ticket: Some((TicketId(1), "1".into())), ..Context::trial(jiff::Timestamp::now(), &agent, &people) };
    let new = NewTicket { title: "x".into(), ticket_type: "case".into(), queue: "q0".into(), ..Default::default() };
    let ticket: Snapshot = decide(model, None, &Command::CreateTicket(new), &ctx).decided().expect("a ticket").after.compact();
    let done = decide(model, Some(&ticket), command, &ctx).decided().expect("a decision");
    assert_eq!(done.events.len(), events, "{:?}", done.events);
    rounds(|| {
        let begin = Instant::now();
        for _ in 0..5_000 {
            std::hint::black_box(decide(model, Some(&ticket), command, &ctx).decided().expect("a decision"));
        }
        begin.elapsed().as_secs_f64() / 5_000.0 * 1e6
    })
}

fn patch(name: &str, value: &str) -> Command {
    let values = BTreeMap::from([(name.to_owned(), value.into())]);
    Command::PatchTicket(PatchTicket { values, seen: None, expected: None, blobs: vec![] })
}

fn acls() {
    let change = patch("state", "open");
    println!("a change of state without an ACL: {}", time(&model(""), &change, 1));
    // The last part keeps each of them from denying, and all of it is evaluated.
    let acl = |i: usize, first: &str| {
        format!(
            "- {{ kind: Acl, name: a{i}, for: agent, when: '{first} && ticket.priority >= 3 && !has(ticket.fields.count)', deny: {{ state: [closed], priority: '= value > 3' }} }}\n"
        )
    };
    let ten: String = (0..100).map(|i| acl(i, &format!("ticket.queue == \"q{}\"", i % 10))).collect();
    println!("with 100 ACLs of which the index leaves ten: {} (reach < 50)", time(&model(&ten), &change, 1));
    let all: String = (0..100).map(|i| acl(i, &format!("ticket.title != \"t{i}\""))).collect();
    println!("with 100 ACLs that are all evaluated, and hold: {} (reach < 300)", time(&model(&all), &change, 1));
}

fn handlers() {
    let change = patch("state", "open");
    let one = |i: usize| {
        format!(
            "- {{ kind: Handler, name: h{i}, on: ticket.state_changed, when: 'ticket.priority >= 3 && event.new == \"open\" && ticket.title != \"t{i}\"', do: [ {{ set: {{ count: {i} }} }} ] }}\n"
        )
    };
    println!("a change of state without a handler: {}", time(&model(""), &change, 1));
    let all: String = (0..200).map(one).collect();
    println!("with 200 handlers that all run and set a field: {} (reach < 1000)", time(&model(&all), &change, 201));
    let none: String = (0..200).map(|i| one(i).replace("!= \"t", "== \"t")).collect();
    println!("with 200 handlers whose conditions do not hold: {}", time(&model(&none), &change, 1));
}

const CROWD: u64 = 1_000_000;
const JOB: &str = r#"- { kind: Job, name: mark, where: ticket.queue == "q7" && ticket.state == "open" && !has(ticket.fields.count), do: [ { set: { count: 7, share: "= ticket.priority * 2" } } ] }
"#;

async fn desk(place: &Place, more: &str) -> Arc<Desk> {
    let Ok(desk) = revisions::open(place.store().await, Arc::new(SystemClock), Some(&site(more))).await.expect("a desk") else {
        panic!("the site does not check")
    };
    desk.people_save(&[agent()]).await.expect("people");
    Arc::new(desk)
}

/// One ticket in each queue, open or asleep until the time.
async fn templates(desk: &Desk, until: Option<jiff::Timestamp>) {
    let agent = agent();
    for i in 0..10 {
        let new = NewTicket { title: "One of many".into(), ticket_type: "case".into(), queue: format!("q{i}"), ..Default::default() };
        let request = |ticket, command| Request { actor: &agent, ticket, command, cause: "bench", at: None };
        let number = desk.execute(request(None, Command::CreateTicket(new))).await.expect("a ticket").after.ticket.number.to_string();
        let command = match until {
            None => patch("state", "open"),
            Some(until) => {
                let values =
                    BTreeMap::from([("state".to_owned(), "asleep".into()), ("pending_until".to_owned(), until.to_string().into())]);
                Command::PatchTicket(PatchTicket { values, seen: None, expected: None, blobs: vec![] })
            }
        };
        desk.execute(request(Some(&number), command)).await.expect("a change");
    }
}

/// Makes the templates, and is away again.
async fn begin(place: &Place, more: &str, until: Option<jiff::Timestamp>) {
    let desk = desk(place, more).await;
    templates(&desk, until).await;
    desk.store.leave().await;
}

async fn jobs(ground: &Ground<'_>, folder: &Path) {
    let place = ground.place("jobs");
    begin(&place, JOB, None).await;
    let start = Instant::now();
    common::crowd::copies(&place, CROWD);
    println!("{}: {CROWD} tickets made in {:.1} s", place.name(), start.elapsed().as_secs_f64());
    let desk = desk(&place, JOB).await;
    let split = vorgang_core::pushdown::pushdown(desk.model().jobs["mark"].condition.text(), &desk.model().names, jiff::Timestamp::now());
    println!("its plan: {}", desk.store.job_plan(&split.filter).await.expect("a plan").1.join("; "));
    let bare = match &place {
        Place::File(path) => [128, 256].map(|group| (group, bare_job(path, &folder.join("bare.db"), group))).to_vec(),
        Place::Server(_) => vec![],
    };
    let start = Instant::now();
    let run = start_now(&desk, "mark", "bench").await.expect("a run").expect("the job");
    let run = go_on(&desk, run).await.expect("its end");
    let rate = run.summary.done as f64 / start.elapsed().as_secs_f64();
    assert_eq!(run.summary.done, CROWD / 10, "{:?}", run.summary);
    let beside: String =
        bare.iter().map(|(group, bare)| format!("; bare loop in groups of {group} {bare:.0}/s, {:.0} %", rate / bare * 100.0)).collect();
    println!("job that sets two fields on {} of {CROWD} tickets: {rate:.0}/s{beside} (reach 60 %, 4,000/s)", run.summary.done);
    desk.store.leave().await;
}

/// The same rows, each in its savepoint: ticket, mark, history.
fn bare_job(original: &Path, copy: &Path, group: usize) -> f64 {
    std::fs::copy(original, copy).expect("a copy");
    let c = Connection::open(copy).expect("the copy");
    c.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 20000; PRAGMA cache_size = -16000;")
        .expect("settings");
    c.set_prepared_statement_cache_capacity(64);
    let sql = "SELECT t.id FROM ticket t JOIN name n ON n.id = t.queue_id WHERE n.name = 'q7' ORDER BY t.id";
    let ids: Vec<i64> = c.prepare(sql).and_then(|mut s| s.query_map([], |r| r.get(0))?.collect()).expect("ids");
    let last = "SELECT events, personal FROM history ORDER BY id DESC LIMIT 1";
    let (events, personal) = c.query_row(last, [], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?))).expect("events");
    let run = |sql: &str, params: &[&dyn rusqlite::ToSql]| c.prepare_cached(sql).and_then(|mut s| s.execute(params)).expect("a row");
    let begin = Instant::now();
    for group in ids.chunks(group) {
        run("BEGIN IMMEDIATE", &[]);
        for id in group {
            run("SAVEPOINT one", &[]);
            run(
                "UPDATE ticket SET version = version + 1, last_seq = last_seq + 1, updated = ?2, fields = ?3, head = ?4 WHERE id = ?1",
                params![id, id, r#"{"count":7,"share":6}"#, &[7_u8; 32][..]],
            );
            run("INSERT INTO job_done (run, ticket_id) VALUES (99, ?1)", params![id]);
            run(
                "INSERT INTO history (ticket_id, version, format, at, actor, command, cause, events, personal, salt, personal_digest, hash) \
                 VALUES (?1, 1000, 1, ?1, 'system', 'run_job', 'job mark', ?2, ?3, ?4, ?5, ?5)",
                params![id, events, personal, &[1_u8; 16][..], &[2_u8; 32][..]],
            );
            run("RELEASE one", &[]);
        }
        run("COMMIT", &[]);
    }
    let rate = ids.len() as f64 / begin.elapsed().as_secs_f64();
    drop(c);
    let _ = std::fs::remove_file(copy);
    rate
}

/// The server with a million timers that are due: how fast they go, and what people feel of it.
fn timers(ground: &Ground<'_>, folder: &Path, runtime: &tokio::runtime::Runtime) {
    const WINDOW: u64 = 30;
    let place = ground.place("timers");
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
    let token = runtime.block_on(async {
        let desk = desk(&place, "").await;
        templates(&desk, Some(until)).await;
        let token = desk.token_create("agent").await.expect("a token");
        desk.store.leave().await;
        token
    });
    common::crowd::copies(&place, CROWD);
    let left = || place.one("SELECT count(*) FROM timer");
    let mut server = common::serve_on(folder, &place.url(), &[]);
    std::thread::sleep(Duration::from_secs(2));
    let (before, at_first, begin) = (left(), memory(server.child.id()), Instant::now());
    let (stop, next) = (AtomicBool::new(false), AtomicU64::new(0));
    let latencies = std::sync::Mutex::new(vec![]);
    let mut highest: f64 = 0.0;
    std::thread::scope(|s| {
        for _ in 0..8 {
            s.spawn(|| {
                let mut stream = connect(&server.address);
                // Twenty requests a second, at their times, whether those before were answered or not.
                while !stop.load(Ordering::Relaxed) {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let due = begin + Duration::from_millis(i * 50);
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    let ticket = format!("/api/v1/tickets/C{}", 1_000 + i * 37);
                    let auth = format!("x\r\nAuthorization: Bearer {token}");
                    assert_eq!(ask(&mut stream, "GET", &ticket, &auth).map(|a| a.0), Some(200));
                    latencies.lock().expect("the list").push(due.elapsed().as_secs_f64() * 1e3);
                }
            });
        }
        for _ in 0..WINDOW {
            std::thread::sleep(Duration::from_secs(1));
            highest = highest.max(memory(server.child.id()));
        }
        stop.store(true, Ordering::Relaxed);
    });
    let rate = (before - left()) as f64 / begin.elapsed().as_secs_f64();
    let _ = server.child.kill();
    let _ = server.child.wait();
    let mut all = latencies.into_inner().expect("the list");
    all.sort_by(f64::total_cmp);
    let p99 = all[(all.len() - 1) * 99 / 100];
    println!(
        "{}: {CROWD} timers due at once: {rate:.0}/s fire (reach 2,000); API meanwhile median {:.1} ms, p99 {p99:.1} ms (reach < 100); memory {at_first:.0} MB at first, {highest:.0} MB at most",
        place.name(),
        median(all)
    );
}

/// What a full outbox costs those who write and those who send.
async fn outbox(ground: &Ground<'_>) {
    struct Taken;
    #[async_trait::async_trait]
    impl Mailer for Taken {
        async fn send(&self, _: &Mail) -> Result<(), SendError> {
            Ok(())
        }
    }
    const TELL: &str =
        "- { kind: Notification, name: told, on: ticket.title_changed, to: { user: agent }, by: mail, subject: T, body: B }\n";
    let mut rates = vec![];
    for backlog in [100, 1_000_000_i64] {
        let place = ground.place(&format!("outbox_{backlog}"));
        begin(&place, TELL, None).await;
        let now = jiff::Timestamp::now().as_microsecond();
        place.run(&format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {backlog}) \
             INSERT INTO delivery (key, ticket_id, channel, lane, rank, state, recipient, payload, created, due, span) \
             SELECT 'x-' || i, (SELECT min(id) FROM ticket), 'mail', '', 1, 'due', 'agent', \
             '{{\"subject\":\"T\",\"body\":\"B\",\"notification\":\"told\",\"ticket\":\"1\"}}', {now}, {}, 900000000 FROM n",
            now + 3_600_000_000
        ));
        place.settle();
        let desk = desk(&place, TELL).await;
        let ids: Vec<TicketId> = desk.store.heads(TicketId(0), 10).await.expect("tickets").into_iter().map(|(id, ..)| id).collect();
        let agent = agent();
        let mailer: Arc<dyn Mailer> = Arc::new(Taken);
        let mut rounds = vec![];
        for round in 0..ROUNDS {
            let begin = Instant::now();
            for i in 0..2_000 {
                let number =
                    desk.store.ticket_load_by_id(ids[i % 10]).await.expect("a read").expect("a ticket").snapshot.ticket.number.to_string();
                let command = patch("title", &format!("T{round}-{i}"));
                desk.execute(Request { actor: &agent, ticket: Some(&number), command, cause: "bench", at: None }).await.expect("a change");
            }
            while deliver_due(&desk, &mailer, &Links(String::new())).await.expect("delivery") > 0 {}
            rounds.push(2_000.0 / begin.elapsed().as_secs_f64());
        }
        rates.push(median(rounds));
        desk.store.leave().await;
    }
    println!(
        "mails written and sent beside 100 that wait: {:.0}/s, beside 1,000,000: {:.0}/s; {:.0} % (reach 90 %)",
        rates[0],
        rates[1],
        rates[1] / rates[0] * 100.0
    );
}

/// What the engine of deliveries does by itself: a channel that does nothing, as wide as mail and wider.
async fn deliveries(ground: &Ground<'_>) {
    const COUNT: u64 = 20_000;
    struct Nothing(LanePlan);
    #[async_trait::async_trait]
    impl Channel for Nothing {
        fn plan(&self) -> LanePlan {
            self.0
        }
        fn retries(&self, _: &Delivery) -> Retries {
            Retries { most: 0, first: 1, longest: 1, spread: false }
        }
        async fn send(&self, _: &Arc<Desk>, _: &[Delivery]) -> AttemptEnd {
            AttemptEnd::Arrived
        }
    }
    for (batch, width) in [(56, 8), (512, 64)] {
        let place = ground.place(&format!("deliveries_{width}"));
        begin(&place, "", None).await;
        let desk = desk(&place, "").await;
        let mut rates = vec![];
        for round in 0..ROUNDS {
            let now = jiff::Timestamp::now().as_microsecond();
            place.run(&format!(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {COUNT}) \
                 INSERT INTO delivery (key, ticket_id, channel, lane, rank, state, recipient, payload, created, due, span) \
                 SELECT '{round}-' || i, NULL, 'mail', '', 1, 'due', 'agent', \
                 '{{\"subject\":\"T\",\"body\":\"B\",\"notification\":\"told\",\"ticket\":\"1\"}}', {now}, {now}, 900000000 FROM n"
            ));
            let plan = LanePlan { channel: deliveries::Channel::Mail, work: Work::Mail, batch, width, lanes: Lanes::Each };
            let started = Instant::now();
            let lane = tokio::spawn(delivery::run_lane(desk.clone(), Arc::new(Nothing(plan))));
            while desk.store.delivery_count(DeliveryState::Due).await.expect("a count") > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            rates.push(COUNT as f64 / started.elapsed().as_secs_f64());
            lane.abort();
        }
        desk.store.leave().await;
        println!("{}: deliveries by a channel that does nothing, {width} at a time: {:.0}/s", place.name(), median(rates));
    }
}
