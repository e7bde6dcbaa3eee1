//! `cargo bench`: ratios side by side in one run. Names after `--` choose: steps, auto, decide, check, pages, postgres.
//!
//! The bare loop writes the same rows into the same tables and indexes, with the same group size, from values
//! that are ready: what remains between the two is loading, deciding and handing over.

mod common;

use common::place::{Ground, Place};
use common::{agent, ask, connect, median, memory, open_loop, serve_on};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use vorgang_core::commands::{Command, Form, StartProcess, SubmitDialog};
use vorgang_core::context::Context;
use vorgang_core::decide;
use vorgang_core::ids::{TicketId, WorkId};
use vorgang_core::people::{Directory, Person};
use vorgang_core::snapshot::Snapshot;
use vorgang_definitions::model::Model;
use vorgang_definitions::site::{SiteFile, load};
use vorgang_runtime::clock::SystemClock;
use vorgang_runtime::{Desk, Request, revisions};
use vorgang_store::Store;
use vorgang_store_postgres::PostgresStore;
use vorgang_store_sqlite::SqliteStore;
use vorgang_testbed::{cluster, psql};

/// The server's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TICKETS: usize = 100_000;
const CALLERS: usize = 64;
const SECONDS: u64 = 4;
const ROUNDS: usize = 3;

const SITE: &str = r#"
- { kind: Site, name: bench, language: 1, languages: en, zone: UTC, title: Bench }
- { kind: State, name: new, type: new }
- { kind: State, name: open, type: open }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: agent, queues: { desk: [rw] } }
- { kind: Field, name: amount, type: decimal, scale: 2 }
- { kind: Field, name: count, type: integer }
- { kind: TicketType, name: case, fields: [amount, { field: count, default: 0 }], states: [new, open] }
- kind: Process
  name: turns
  starts: [ { by: agent, at: begin } ]
  ticket: { type: case, queue: desk, state: new, priority: normal }
  activities:
    begin: { next: one }
    one:
      dialogs: { form: { for: { role: agent }, fields: [ { field: amount, required: true } ] } }
      next: [ { to: two, when: ticket.fields.amount > 10, do: [ { set: { count: "= ticket.fields.count + 1" } } ] }, { to: stay, otherwise: true } ]
    two:
      dialogs: { form: { for: { role: agent }, fields: [ { field: amount, required: true } ] } }
      next: [ { to: one, when: ticket.fields.amount > 10, do: [ { set: { count: "= ticket.fields.count + 1" } } ] }, { to: over, when: ticket.fields.amount < 0 }, { to: stay, otherwise: true } ]
    over: {}
- kind: Process
  name: five
  starts: [ { by: agent, at: a } ]
  ticket: { type: case, queue: desk, state: new, priority: normal }
  activities:
    a: { do: [ { set: { count: 1 } } ], next: b }
    b: { do: [ { set: { count: "= ticket.fields.count + 1" } } ], next: [ { to: c, when: ticket.fields.count > 1 }, { to: e, otherwise: true } ] }
    c: { do: [ { set: { count: "= ticket.fields.count + 1" } } ], next: d }
    d: { do: [ { set: { amount: 5 } } ], next: e }
    e: { do: [ { set: { state: open } } ], end: done }
"#;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let folder = std::env::temp_dir().join(format!("vorgang-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    if is_wanted("decide") {
        bench_decide();
    }
    if is_wanted("check") {
        bench_check();
    }
    if is_wanted("steps") || is_wanted("auto") {
        runtime.block_on(bench_steps(&folder, is_wanted("steps"), is_wanted("auto")));
    }
    if is_wanted("postgres") {
        runtime.block_on(bench_postgres());
    }
    if is_wanted("pages") {
        bench_pages(&folder, &Place::File(folder.join("pages.db")));
        if let Some(ground) = Ground::new(&folder, true) {
            bench_pages(&folder, &ground.place("pages"));
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
}

fn site() -> Vec<SiteFile> {
    vec![SiteFile { path: "bench.yaml".into(), text: SITE.into() }]
}

fn model() -> Model {
    let loaded = load(&site(), &[]);
    loaded.model.unwrap_or_else(|| panic!("{}", vorgang_definitions::diagnostic::render_human(&loaded.sources, &loaded.diagnostics, false)))
}

fn form() -> Form {
    Form { values: BTreeMap::from([("amount".to_owned(), "40.00".into())]), ..Form::default() }
}

fn bench_decide() {
    let (model, agent) = (model(), agent());
    let people = Directory::new([agent.clone()]);
    let now = jiff::Timestamp::now();
    let ctx = Context { new_ticket: Some((TicketId(1), "1".into())), ..Context::trial(now, &agent, &people) };
    let start = Command::StartProcess(StartProcess { process: "turns".into(), form: Form::default() });
    let begun: Snapshot = decide(&model, None, &start, &ctx).decided().expect("a start").after.compact();
    let work = begun.open_work().next().expect("work").seq;
    let submit = Command::SubmitDialog(SubmitDialog { work, form: form() });
    let rounds = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            for _ in 0..20_000 {
                std::hint::black_box(decide(&model, Some(&begun), &submit, &ctx).decided().expect("a decision"));
            }
            begin.elapsed().as_secs_f64() / 20_000.0 * 1e6
        })
        .collect();
    println!("decide of one dialog with a condition and changes: {:.1} us (reach < 20)", median(rounds));
}

fn bench_check() {
    let mut text = SITE.to_owned();
    for i in 0..1_000 {
        text.push_str(&format!(
            "- kind: Process\n  name: p{i}\n  starts: [ {{ by: agent, at: a }} ]\n  ticket: {{ type: case, queue: desk, state: new, priority: normal }}\n  activities:\n    a:\n      dialogs: {{ form: {{ for: agent, fields: [ {{ field: amount, required: true }} ] }} }}\n      next:\n        - {{ to: b, when: ticket.fields.amount > {i} && ticket.priority >= 3 }}\n        - {{ to: b, when: has(ticket.owner) && ticket.owner == actor.login }}\n        - {{ to: b, when: ticket.title.startsWith(\"x\") || ticket.state == \"open\" }}\n        - {{ to: b, when: now - ticket.created > hours(4) }}\n        - {{ to: b, when: ticket.fields.count * 2 < 10 }}\n        - {{ to: stay, otherwise: true }}\n    b: {{ end: done }}\n"
        ));
    }
    let files = vec![SiteFile { path: "large.yaml".into(), text }];
    let rounds = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            let loaded = load(&files, &[]);
            assert!(
                loaded.model.is_some(),
                "{}",
                vorgang_definitions::diagnostic::render_human(&loaded.sources, &loaded.diagnostics[..1], false)
            );
            begin.elapsed().as_secs_f64()
        })
        .collect();
    println!("check of 1,000 definitions with five expressions each: {:.2} s (reach < 1)", median(rounds));
}

async fn open(path: &Path) -> Arc<Desk> {
    desk(Arc::new(SqliteStore::open(path).expect("a store"))).await
}

async fn desk(store: Arc<dyn Store>) -> Arc<Desk> {
    let Ok(desk) = revisions::open(store, Arc::new(SystemClock), Some(&site())).await.expect("a desk") else {
        panic!("the site does not check")
    };
    desk.people_save(&[agent()]).await.expect("people");
    Arc::new(desk)
}

/// So many callers, each one command after the other, for some seconds; how many were done a second.
async fn drive<F, Fut>(callers: usize, work: F) -> f64
where
    F: Fn(usize, u64) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let done = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = tokio::task::JoinSet::new();
    let begin = Instant::now();
    for caller in 0..callers {
        let (done, stop, work) = (done.clone(), stop.clone(), work.clone());
        tasks.spawn(async move {
            let mut i = 0;
            while !stop.load(Ordering::Relaxed) {
                work(caller, i).await;
                done.fetch_add(1, Ordering::Relaxed);
                i += 1;
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(SECONDS)).await;
    stop.store(true, Ordering::Relaxed);
    let rate = done.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64();
    while tasks.join_next().await.is_some() {}
    rate
}

async fn bench_steps(folder: &Path, steps: bool, auto: bool) {
    let path = folder.join("steps.db");
    let desk = open(&path).await;
    let agent = Arc::new(agent());
    let count = if steps { TICKETS } else { 1_000 };
    let begin = Instant::now();
    let numbers = prepare(&desk, &agent, count).await;
    println!("{count} tickets with a running process made in {:.1} s", begin.elapsed().as_secs_f64());
    if std::env::var_os("VORGANG_PROBE").is_some() {
        probe(&desk, &agent, &numbers).await;
        return;
    }
    // begin, its work item, then the item of `one`.
    let open: Arc<Vec<AtomicU64>> = Arc::new(numbers.iter().map(|_| AtomicU64::new(3)).collect());
    if steps {
        for callers in [CALLERS, 1] {
            let (mut ours, mut bare, mut ratios) = (vec![], vec![], vec![]);
            for round in 0..ROUNDS {
                let (desk, agent, numbers, open) = (desk.clone(), agent.clone(), numbers.clone(), open.clone());
                let rate = drive(callers, move |caller, i| {
                    let (desk, agent, numbers) = (desk.clone(), agent.clone(), numbers.clone());
                    let open = open.clone();
                    async move {
                        let t = spread(caller, i, callers, numbers.len());
                        step(&desk, &agent, &numbers[t], &open[t]).await;
                    }
                })
                .await;
                let loop_rate = bare_loop(&folder.join(format!("bare-{callers}-{round}.db")), &path, callers);
                ours.push(rate);
                bare.push(loop_rate);
                ratios.push(rate / loop_rate);
            }
            println!(
                "durable steps, {callers} callers, {count} tickets: {:.0}/s; bare loop, groups of {callers}: {:.0}/s; {:.0} % (reach {} %)",
                median(ours),
                median(bare),
                median(ratios) * 100.0,
                if callers == 1 { 70 } else { 60 }
            );
        }
        index_costs(folder, &path);
    }
    if auto {
        bench_auto(&desk, &agent).await;
    }
}

async fn bench_auto(desk: &Arc<Desk>, agent: &Arc<Person>) {
    let mut rates = vec![];
    for _ in 0..ROUNDS {
        let (desk, agent) = (desk.clone(), agent.clone());
        let one = move |_, _| {
            let (desk, agent) = (desk.clone(), agent.clone());
            async move {
                let command = Command::StartProcess(StartProcess { process: "five".into(), form: Form::default() });
                desk.execute(Request { actor: &agent, ticket: None, command, cause: "bench", at: None }).await.expect("a start");
            }
        };
        rates.push(drive(CALLERS, one).await);
    }
    println!("instances of five automatic activities, {CALLERS} callers: {:.0}/s (reach 3,000)", median(rates));
}

/// Where the time of a step of one caller goes: `VORGANG_PROBE=1`.
async fn probe(desk: &Desk, agent: &Person, numbers: &[String]) {
    const TURNS: usize = 3_000;
    let number = |i: usize| &numbers[(i * 7919) % numbers.len()];
    let per_turn = |begin: Instant| begin.elapsed().as_secs_f64() / TURNS as f64 * 1e6;
    let begin = Instant::now();
    for i in 0..TURNS {
        std::hint::black_box(desk.store.ticket_load(number(i)).await.expect("a read"));
    }
    println!("  probe: load, nothing written meanwhile {:.1} us", per_turn(begin));
    let begin = Instant::now();
    for _ in 0..TURNS {
        desk.store.number_block(1).await.expect("a block");
    }
    println!("  probe: the smallest commit {:.1} us", per_turn(begin));
    let (model, people, mut times) = (desk.model(), desk.people(), [0.0; 3]);
    for i in 0..TURNS {
        let begin = Instant::now();
        let stored = desk.store.ticket_load(number(i)).await.expect("a read").expect("a ticket").snapshot;
        times[0] += begin.elapsed().as_secs_f64();
        let work = stored.open_work().next().expect("work").seq;
        let command = Command::SubmitDialog(SubmitDialog { work, form: form() });
        let ctx = Context::trial(jiff::Timestamp::now(), agent, &people);
        let begin = Instant::now();
        std::hint::black_box(decide(&model, Some(&stored), &command, &ctx).decided().expect("a decision"));
        times[1] += begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        desk.execute(Request { actor: agent, ticket: Some(number(i)), command, cause: "bench", at: None }).await.expect("a step");
        times[2] += begin.elapsed().as_secs_f64();
    }
    let [load, decide, step] = times.map(|t| t / TURNS as f64 * 1e6);
    println!("  probe: beside writing: load {load:.1} us, decide {decide:.1} us, the whole step {step:.1} us");
}

/// Callers never meet on a ticket, and walk through all of them.
fn spread(caller: usize, i: u64, callers: usize, tickets: usize) -> usize {
    let share = tickets / callers;
    caller * share + (i as usize * 7919) % share
}

async fn prepare(desk: &Arc<Desk>, agent: &Arc<Person>, count: usize) -> Arc<Vec<String>> {
    let mut tasks = tokio::task::JoinSet::new();
    let next = Arc::new(AtomicU64::new(0));
    for _ in 0..CALLERS {
        let (desk, agent, next) = (desk.clone(), agent.clone(), next.clone());
        tasks.spawn(async move {
            let mut made = vec![];
            while next.fetch_add(1, Ordering::Relaxed) < count as u64 {
                let command = Command::StartProcess(StartProcess { process: "turns".into(), form: Form::default() });
                let done = desk.execute(Request { actor: &agent, ticket: None, command, cause: "bench", at: None }).await.expect("a start");
                made.push(done.after.ticket.number.to_string());
            }
            made
        });
    }
    let mut numbers = vec![];
    while let Some(made) = tasks.join_next().await {
        numbers.extend(made.expect("a task"));
    }
    numbers.sort();
    Arc::new(numbers)
}

/// `open` is the work item that the last page has drawn; the answer draws the next.
async fn step(desk: &Desk, agent: &Person, number: &str, open: &AtomicU64) {
    let command = Command::SubmitDialog(SubmitDialog { work: WorkId(open.load(Ordering::Relaxed) as u32), form: form() });
    let done = desk.execute(Request { actor: agent, ticket: Some(number), command, cause: "bench", at: None }).await.expect("a step");
    let next = done.after.open_work().next().map_or(0, |w| w.seq.0);
    open.store(next.into(), Ordering::Relaxed);
}

// --- PostgreSQL -----------------------------------------------------------------------------------------------

/// Steps on PostgreSQL beside pgbench with the same statements, one transaction a step, on the same server and rows.
async fn bench_postgres() {
    let Some(programs) = cluster::programs() else { return println!("PostgreSQL is not installed: SKIPPED") };
    let cluster = cluster::Cluster::start(true, false);
    let server = cluster.primary.server();
    psql(&format!("{server}/postgres"), "CREATE DATABASE bench");
    let url = format!("{server}/bench");
    let desk = desk(Arc::new(PostgresStore::open(&url).await.expect("a store"))).await;
    let agent = Arc::new(agent());
    let count = TICKETS / 5;
    let begin = Instant::now();
    let numbers = prepare(&desk, &agent, count).await;
    println!("PostgreSQL: {count} tickets with a running process made in {:.1} s", begin.elapsed().as_secs_f64());
    psql(&url, "VACUUM ANALYZE");
    desk.store.leave().await;
    // pgbench has the same rows in a database of its own.
    let maintenance = format!("{server}/postgres");
    psql(&maintenance, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'bench'");
    psql(&maintenance, "CREATE DATABASE bare TEMPLATE bench");
    let bare_url = format!("{server}/bare");
    let desk = self::desk(Arc::new(PostgresStore::open(&url).await.expect("a store"))).await;
    let open: Arc<Vec<AtomicU64>> = Arc::new(numbers.iter().map(|_| AtomicU64::new(3)).collect());
    let script = std::env::temp_dir().join(format!("vorgang-pgbench-{}.sql", std::process::id()));
    let content = psql(&url, "SELECT events || chr(10) || personal FROM history ORDER BY id DESC LIMIT 1");
    let (events, personal) = content.split_once('\n').expect("both");
    let first = psql(&url, "SELECT min(id) FROM ticket");
    std::fs::write(&script, pgbench_step(&first, count, events, personal)).expect("a script");
    for callers in [CALLERS, 1] {
        let (mut ours, mut theirs, mut ratios) = (vec![], vec![], vec![]);
        for _ in 0..ROUNDS {
            let (desk, agent, numbers, open) = (desk.clone(), agent.clone(), numbers.clone(), open.clone());
            let rate = drive(callers, move |caller, i| {
                let (desk, agent, numbers, open) = (desk.clone(), agent.clone(), numbers.clone(), open.clone());
                async move {
                    let t = spread(caller, i, callers, numbers.len());
                    step(&desk, &agent, &numbers[t], &open[t]).await;
                }
            })
            .await;
            let bare = pgbench(&programs, &bare_url, &script, callers);
            ours.push(rate);
            theirs.push(bare);
            ratios.push(rate / bare);
        }
        println!(
            "PostgreSQL: durable steps, {callers} callers: {:.0}/s; pgbench, one transaction a step: {:.0}/s; {:.0} %{}",
            median(ours),
            median(theirs),
            median(ratios) * 100.0,
            if callers == 1 { "" } else { " (reach 200 %)" }
        );
    }
    let _ = std::fs::remove_file(script);
    bench_auto(&desk, &agent).await;
    desk.store.leave().await;
}

/// What a step reads and writes, statement by statement.
fn pgbench_step(first: &str, count: usize, events: &str, personal: &str) -> String {
    // A colon would name a variable.
    let quoted = |text: &str| text.replace('\'', "''").replace(':', "=");
    format!(
        "\\set id random({first}, {first} + {count} - 1)\n\\set n random(1, 1000000000)\n\\set version random(1000000, 2000000000)\nBEGIN;\n\
         SELECT t.*, (SELECT json_agg(i) FROM instance i WHERE i.ticket_id = t.id), (SELECT json_agg(w) FROM work w WHERE w.ticket_id = t.id), \
         (SELECT json_agg(s) FROM step s WHERE s.ticket_id = t.id) FROM ticket t WHERE id = :id;\n\
         UPDATE ticket SET version = version + 1, last_seq = last_seq + 1, updated = :n, fields = '{{\"amount\":4000,\"count\":7}}', \
         head = decode('0707070707070707070707070707070707070707070707070707070707070707', 'hex') WHERE id = :id;\n\
         DELETE FROM work_audience WHERE ticket_id = :id;\nDELETE FROM work WHERE ticket_id = :id;\nDELETE FROM vote WHERE ticket_id = :id;\n\
         INSERT INTO work (ticket_id, seq, instance, activity, status, source, claimed_by, entered, epoch, audience) \
         VALUES (:id, :n, 1, 'one', 'offered', 'two', NULL, :n, 0, '[\"role=agent\"]') ON CONFLICT DO NOTHING;\n\
         INSERT INTO work_audience (ticket_id, seq, key_id) VALUES (:id, :n, 1) ON CONFLICT DO NOTHING;\n\
         INSERT INTO step (ticket_id, instance, activity, outcome, by, at) VALUES (:id, 1, 'one', 'submit', 'agent', :n) \
         ON CONFLICT (ticket_id, instance, activity) DO UPDATE SET at = excluded.at;\n\
         INSERT INTO history (ticket_id, version, format, at, actor, command, cause, events, personal, salt, personal_digest, hash) \
         VALUES (:id, :version, 1, :n, 'agent', 'submit_dialog', 'bench', '{}', '{}', decode('01', 'hex'), decode('02', 'hex'), decode('03', 'hex')) \
         ON CONFLICT DO NOTHING;\nCOMMIT;\n",
        quoted(events),
        quoted(personal)
    )
}

/// Transactions a second.
fn pgbench(programs: &Path, url: &str, script: &Path, callers: usize) -> f64 {
    // Debian puts it beside the server, others into the path.
    let own = programs.join("pgbench");
    let program = if own.exists() { own } else { "pgbench".into() };
    let output = std::process::Command::new(program)
        .args(["-n", "-M", "prepared", "-c", &callers.to_string(), "-j", "2", "-T", &SECONDS.to_string(), "-f"])
        .arg(script)
        .arg(url)
        .output()
        .expect("pgbench runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let tps = text.lines().find_map(|l| l.strip_prefix("tps = ")).and_then(|l| l.split(' ').next()?.parse().ok());
    tps.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// The same rows: ticket, work out and in with their audience, step, history; each in its savepoint.
fn bare_loop(copy: &Path, original: &Path, group: usize) -> f64 {
    let source = Connection::open(original).expect("the database");
    source.execute("VACUUM INTO ?1", [copy.to_string_lossy()]).expect("a copy");
    let c = Connection::open(copy).expect("the copy");
    c.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 20000; PRAGMA cache_size = -16000;")
        .expect("settings");
    c.set_prepared_statement_cache_capacity(64);
    let ids: Vec<i64> = c.prepare("SELECT id FROM ticket").and_then(|mut s| s.query_map([], |r| r.get(0))?.collect()).expect("ids");
    let key: i64 = c.query_row("SELECT id FROM name WHERE kind = 'audience' LIMIT 1", [], |r| r.get(0)).expect("a key");
    let events = source.query_row("SELECT events FROM history ORDER BY id DESC LIMIT 1", [], |r| r.get::<_, String>(0)).expect("events");
    let personal =
        source.query_row("SELECT personal FROM history ORDER BY id DESC LIMIT 1", [], |r| r.get::<_, String>(0)).expect("content");
    let begin = Instant::now();
    let mut done = 0_usize;
    while begin.elapsed() < Duration::from_secs(SECONDS) {
        c.execute_batch("BEGIN IMMEDIATE").expect("begin");
        for _ in 0..group {
            let id = ids[(done * 7919) % ids.len()];
            done += 1;
            bare_step(&c, id, done as i64, key, &events, &personal).expect("a step");
        }
        c.execute_batch("COMMIT").expect("commit");
    }
    let rate = done as f64 / begin.elapsed().as_secs_f64();
    drop(c);
    let _ = std::fs::remove_file(copy);
    rate
}

fn bare_step(c: &Connection, id: i64, n: i64, key: i64, events: &str, personal: &str) -> rusqlite::Result<()> {
    let run = |sql: &str, params: &[&dyn rusqlite::ToSql]| c.prepare_cached(sql).and_then(|mut s| s.execute(params));
    run("SAVEPOINT one", &[])?;
    run(
        "UPDATE ticket SET version = version + 1, last_seq = last_seq + 1, title = title, type_id = type_id, queue_id = queue_id, state_id = state_id, \
         priority_id = priority_id, updated = ?2, fields = ?3, head = ?4 WHERE id = ?1",
        params![id, n, r#"{"amount":4000,"count":7}"#, &[7_u8; 32][..]],
    )?;
    let seq: Option<i64> =
        c.prepare_cached("SELECT seq FROM work WHERE ticket_id = ?1").and_then(|mut s| s.query_row([id], |r| r.get(0))).ok();
    let seq = seq.unwrap_or(1);
    run("DELETE FROM work_audience WHERE key_id = ?1 AND ticket_id = ?2 AND seq = ?3", params![key, id, seq])?;
    run("DELETE FROM work WHERE ticket_id = ?1 AND seq = ?2", params![id, seq])?;
    run("DELETE FROM vote WHERE ticket_id = ?1 AND work = ?2", params![id, seq])?;
    run("INSERT INTO work_audience (key_id, ticket_id, seq) VALUES (?1, ?2, ?3)", params![key, id, seq + 1])?;
    run(
        "INSERT INTO work (ticket_id, seq, instance, activity, status, source, claimed_by, entered, epoch, audience) VALUES (?1, ?2, 1, 'one', 'offered', 'two', NULL, ?3, 0, '[\"role:agent\"]')",
        params![id, seq + 1, n],
    )?;
    run(
        "INSERT INTO step (ticket_id, instance, activity, outcome, by, at) VALUES (?1, 1, 'one', 'submit', 'agent', ?2) ON CONFLICT DO UPDATE SET at = excluded.at",
        params![id, n],
    )?;
    run(
        "INSERT INTO history (ticket_id, version, format, at, actor, command, cause, events, personal, salt, personal_digest, hash) \
         VALUES (?1, ?2, 1, ?3, 'agent', 'submit_dialog', 'bench', ?4, ?5, ?6, ?7, ?7)",
        params![id, 1_000_000 + n, n, events, personal, &[1_u8; 16][..], &[2_u8; 32][..]],
    )?;
    run("RELEASE one", &[])?;
    Ok(())
}

/// What each index of the ticket costs: the bare loop without it.
fn index_costs(folder: &Path, path: &Path) {
    let with = bare_loop(&folder.join("with.db"), path, CALLERS);
    println!("  bare loop with all indexes: {with:.0}/s; without …");
    for index in ["ticket_queue", "history_version", "work_audience"] {
        let copy = folder.join(format!("without-{index}.db"));
        let source = Connection::open(path).expect("the database");
        source.execute("VACUUM INTO ?1", [copy.to_string_lossy()]).expect("a copy");
        let c = Connection::open(&copy).expect("the copy");
        if index == "work_audience" {
            // The index is a table: emptied, its rows cost nothing on the way out, and one insert on the way in.
            c.execute_batch("DELETE FROM work_audience").expect("emptied");
        } else {
            c.execute_batch(&format!("DROP INDEX {index}")).expect("dropped");
        }
        drop(c);
        let rate = bare_loop(&folder.join(format!("run-{index}.db")), &copy, CALLERS);
        println!("  … {index}: {rate:.0}/s ({:+.0} %)", (rate / with - 1.0) * 100.0);
        let _ = std::fs::remove_file(copy);
    }
}

// --- pages ----------------------------------------------------------------------------------------------------

/// Whether timers are still due: what an idle desk does not have.
fn timers_wait(place: &Place) -> bool {
    let now = jiff::Timestamp::now().as_microsecond();
    let due = format!("SELECT (SELECT count(*) FROM timer WHERE due <= {now}) + (SELECT count(*) FROM revision WHERE NOT counted)");
    place.one(&due) > 0
}

fn bench_pages(folder: &Path, place: &Place) {
    let serve = |arguments: &[&str]| serve_on(folder, &place.url(), arguments);
    println!("{}:", place.name());
    let begin = Instant::now();
    let mut server = serve(&["--demo", "--tickets", &TICKETS.to_string()]);
    println!("demo of {TICKETS} tickets made in {:.1} s", begin.elapsed().as_secs_f64());
    let begin = Instant::now();
    while timers_wait(place) {
        std::thread::sleep(Duration::from_millis(100));
        assert!(begin.elapsed() < Duration::from_secs(120), "timers are due and do not fire");
    }
    println!("timers that were due in it have fired after {:.1} s", begin.elapsed().as_secs_f64());
    let _ = server.child.kill();
    let _ = server.child.wait();
    let mut starts = vec![];
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let mut server = serve(&[]);
        assert_eq!(ask(&mut connect(&server.address), "GET", "/readyz", "").map(|a| a.0), Some(200));
        starts.push(begin.elapsed().as_secs_f64());
        let _ = server.child.kill();
        let _ = server.child.wait();
    }
    println!("cold start at {TICKETS} tickets, until /readyz: {:.2} s (reach < 1)", median(starts));
    let mut server = serve(&["--demo"]);
    std::thread::sleep(Duration::from_secs(1));
    println!("memory idle: {:.0} MB (reach < 60)", memory(server.child.id()));
    let link = server.link.clone().expect("a link");
    let (_, cookie) = ask(&mut connect(&server.address), "POST", &link, "").expect("signed in");
    for (name, path) in [("queue page", "/agent/queue?queue=it"), ("dashboard", "/agent")] {
        let saturated = saturate(&server.address, path, &cookie);
        let mut latencies = open_loop(&server.address, path, &cookie, saturated / 2.0, SECONDS);
        latencies.sort_by(f64::total_cmp);
        let at = |q: f64| latencies[((latencies.len() - 1) as f64 * q) as usize];
        println!(
            "{name} at {TICKETS} tickets: saturates at {saturated:.0}/s; at half of it median {:.1} ms, p99 {:.1} ms (reach < 10, < 50)",
            at(0.5),
            at(0.99)
        );
    }
    println!("memory after the load: {:.0} MB (reach < 200)", memory(server.child.id()));
    let _ = server.child.kill();
    let _ = server.child.wait();
}

fn saturate(address: &str, path: &str, cookie: &str) -> f64 {
    let done = AtomicU64::new(0);
    let begin = Instant::now();
    std::thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                let mut stream = connect(address);
                while begin.elapsed() < Duration::from_secs(SECONDS) {
                    assert_eq!(ask(&mut stream, "GET", path, cookie).map(|a| a.0), Some(200));
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    done.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64()
}
