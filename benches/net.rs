//! `cargo bench --bench net`: what processes cost. Names after `--` choose: run, durable, sound, check, draw.

mod common;

use common::{agent, rounds};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use vorgang_core::commands::{Command, Form, StartProcess, SubmitDialog};
use vorgang_core::context::Context;
use vorgang_core::decide;
use vorgang_core::ids::TicketId;
use vorgang_core::people::Directory;
use vorgang_core::snapshot::{Snapshot, WorkStatus};
use vorgang_definitions::model::Model;
use vorgang_definitions::site::{SiteFile, load, read_folder};
use vorgang_definitions::soundness::fault::Answer;
use vorgang_definitions::{diagram, soundness};
use vorgang_runtime::clock::SystemClock;
use vorgang_runtime::{Desk, Request, revisions};
use vorgang_store_sqlite::SqliteStore;

/// The server's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SITE: &str = r#"
- { kind: Site, name: bench, language: 1, languages: en, zone: UTC, title: Bench }
- { kind: State, name: new, type: new }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: agent, queues: { desk: [rw] } }
- { kind: Field, name: count, type: integer }
- { kind: TicketType, name: case, fields: [ { field: count, default: 3 } ], states: [new] }
"#;

/// Each with how many forms are sent from its start to its end.
const PROCESSES: [(&str, usize, &str); 4] = [
    ("sequence", 5, "a: { FORM, next: b }\nb: { FORM, next: c }\nc: { FORM, next: d }\nd: { FORM, next: e }\ne: { FORM, end: over }"),
    (
        "choice",
        2,
        "a: { FORM, next: [ { to: b, when: ticket.fields.count > 5 }, { to: c, when: ticket.fields.count > 2 }, { to: d, otherwise: true } ] }\nb: { FORM }\nc: { FORM, end: over }\nd: { FORM }",
    ),
    (
        "parallel",
        5,
        "a: { FORM, next: [ { to: [b, c, d] } ] }\nb: { FORM, next: e }\nc: { FORM, next: e }\nd: { FORM, next: e }\ne: { join: all, FORM, end: over }",
    ),
    ("for_each_100", 102, "a: { FORM, next: b }\nb: { for_each: { count: 100, as: number }, FORM, next: c }\nc: { FORM, end: over }"),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    if is_wanted("run") {
        run();
    }
    if is_wanted("durable") {
        tokio::runtime::Runtime::new().expect("a runtime").block_on(durable());
    }
    if is_wanted("sound") {
        sound();
    }
    if is_wanted("check") {
        check();
    }
    if is_wanted("draw") {
        draw();
    }
}

fn model(processes: &str) -> Model {
    let loaded = load(&[SiteFile { path: "bench.yaml".into(), text: format!("{SITE}{processes}") }], &[]);
    let errors: Vec<&String> = loaded.diagnostics.iter().map(|d| &d.message).collect();
    loaded.model.unwrap_or_else(|| panic!("{errors:?}"))
}

fn process(name: &str, activities: &str) -> String {
    let form = "dialogs: { form: { for: { role: agent } } }";
    let lines: String = activities.replace("FORM", form).lines().map(|l| format!("    {l}\n")).collect();
    format!(
        "- kind: Process\n  name: {name}\n  starts: [ {{ by: agent, at: a }} ]\n  ticket: {{ type: case, queue: desk, state: new, priority: normal }}\n  activities:\n{lines}"
    )
}

/// From start to end, decided in memory, one after the other.
fn run() {
    const TIMES: usize = 200;
    let model = model(&PROCESSES.iter().map(|(name, _, activities)| process(name, activities)).collect::<String>());
    let actor = agent();
    let people = Directory::new([actor.clone()]);
    for (name, forms, _) in PROCESSES {
        let one = || {
            let ctx =
                Context { new_ticket: Some((TicketId(1), "1".into())), ..Context::trial(jiff::Timestamp::UNIX_EPOCH, &actor, &people) };
            let start = Command::StartProcess(StartProcess { process: name.into(), form: Form::default() });
            let mut snapshot: Snapshot = decide(&model, None, &start, &ctx).decided().expect("a start").after.compact();
            let mut sent = 1;
            let offered =
                |s: &Snapshot| s.open_work().find(|w| matches!(w.status, WorkStatus::Offered | WorkStatus::Started)).map(|w| w.seq);
            while let Some(work) = offered(&snapshot) {
                let submit = Command::SubmitDialog(SubmitDialog { work, form: Form::default() });
                snapshot = decide(&model, Some(&snapshot), &submit, &ctx).decided().expect("a step").after.compact();
                sent += 1;
            }
            assert!(sent == forms && snapshot.instances.is_empty(), "{name} ended after {sent} forms");
        };
        let time = rounds(|| {
            let begun = Instant::now();
            (0..TIMES).for_each(|_| one());
            begun.elapsed().as_secs_f64() * 1e6 / TIMES as f64
        });
        println!("{name}: {time} from start to end, {forms} forms");
    }
}

/// From start to end through the whole desk, each step on disk before the next: whole runs a second.
async fn durable() {
    const SECONDS: f64 = 3.0;
    let folder = std::env::temp_dir().join(format!("vorgang-net-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let text = format!("{SITE}{}", PROCESSES.iter().map(|(name, _, activities)| process(name, activities)).collect::<String>());
    let site = [SiteFile { path: "bench.yaml".into(), text }];
    let store = Arc::new(SqliteStore::open(&folder.join("net.db")).expect("a store"));
    let Ok(desk) = revisions::open(store, Arc::new(SystemClock), Some(&site)).await.expect("a desk") else {
        panic!("the site does not check")
    };
    desk.people_save(&[agent()]).await.expect("people");
    let desk = Arc::new(desk);
    for (name, forms, _) in PROCESSES {
        for callers in [1, 64] {
            let mut rates = vec![];
            for _ in 0..3 {
                let (begun, done) = (Instant::now(), Arc::new(AtomicU64::new(0)));
                let mut tasks = tokio::task::JoinSet::new();
                for _ in 0..callers {
                    let (desk, done) = (desk.clone(), done.clone());
                    tasks.spawn(async move {
                        while begun.elapsed().as_secs_f64() < SECONDS {
                            from_start_to_end(&desk, name).await;
                            done.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
                while tasks.join_next().await.is_some() {}
                rates.push(done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64());
            }
            rates.sort_by(f64::total_cmp);
            println!("{name}, durable, {callers} callers: {:.1}/s from start to end, {:.0} steps/s", rates[1], rates[1] * forms as f64);
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
}

async fn from_start_to_end(desk: &Desk, name: &str) {
    let actor = agent();
    let start = Command::StartProcess(StartProcess { process: name.into(), form: Form::default() });
    let mut after =
        desk.execute(Request { actor: &actor, ticket: None, command: start, cause: "bench", at: None }).await.expect("a start").after;
    let offered = |s: &Snapshot| s.open_work().find(|w| matches!(w.status, WorkStatus::Offered | WorkStatus::Started)).map(|w| w.seq);
    while let Some(work) = offered(&after) {
        let number = after.ticket.number.to_string();
        let command = Command::SubmitDialog(SubmitDialog { work, form: Form::default() });
        let request = Request { actor: &actor, ticket: Some(&number), command, cause: "bench", at: None };
        after = desk.execute(request).await.expect("a step").after;
    }
}

/// So many branches with so many activities each, between a split and a join.
fn branches(count: usize, long: usize) -> String {
    let names = |b: usize| (0..long).map(move |i| format!("b{b}_{i}"));
    let first: Vec<String> = (0..count).map(|b| format!("b{b}_0")).collect();
    let mut text = format!("a: {{ FORM, next: [ {{ to: [{}] }} ] }}\n", first.join(", "));
    for b in 0..count {
        let all: Vec<String> = names(b).collect();
        for (i, name) in all.iter().enumerate() {
            let next = all.get(i + 1).map_or("z", String::as_str);
            let _ = writeln!(text, "{name}: {{ FORM, next: {next} }}");
        }
    }
    text.push_str("z: { join: all, FORM, end: over }");
    text
}

fn sound() {
    for (count, long) in [(3, 3), (20, 10), (20, 40)] {
        let model = model(&process("net", &branches(count, long)));
        let def = &model.processes["net"].def;
        let time = rounds(|| {
            let begun = Instant::now();
            assert_eq!(soundness::decide(&model.names, def), Answer::Sound);
            begun.elapsed().as_secs_f64() * 1e6
        });
        println!("soundness of {count} branches, {} activities: {time}", count * long + 2);
    }
}

/// Every example, from its text to the model.
fn check() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let folders = |f: &Path| std::fs::read_dir(f).expect("examples").map(|e| e.expect("a folder").path()).collect::<Vec<_>>();
    let sites = folders(&root).into_iter().filter(|f| !f.ends_with("patterns")).chain(folders(&root.join("patterns")));
    let sites: Vec<Vec<SiteFile>> = sites.map(|f| read_folder(&f).expect("a site")).collect();
    let processes: usize = sites.iter().map(|s| load(s, &[]).model.expect("a model").processes.len()).sum();
    let time = rounds(|| {
        let begun = Instant::now();
        for site in &sites {
            black_box(load(site, &[]));
        }
        begun.elapsed().as_secs_f64() * 1e6
    });
    println!("check of {} sites with {processes} processes: {time}", sites.len());
}

fn draw() {
    for (count, long) in [(3, 9), (6, 10)] {
        let model = model(&process("net", &branches(count, long)));
        let def = &model.processes["net"].def;
        let time = rounds(|| {
            let begun = Instant::now();
            let graph = diagram::graph(&model, def, "en", &BTreeMap::new(), false);
            black_box(diagram::svg(&graph, true));
            begun.elapsed().as_secs_f64() * 1e6
        });
        println!("drawing of {} activities: {time}", count * long + 2);
    }
}
