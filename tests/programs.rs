//! Programs as they really run: what they are given, what they write, and those that hang, flood, fail or are not there.

mod common;

use common::Folder;
use common::world::{World, world};
use jiff::SignedDuration;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use vorgang_core::commands::{Command, Form, RetryIncident, StartProcess};
use vorgang_core::snapshot::WorkStatus;
use vorgang_runtime::programs::{Programs, run_due};
use vorgang_runtime::{Points, audit};
use vorgang_store::StoreError;

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: en, zone: Europe/Berlin, title: Desk }
- { kind: State, name: new, type: new }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: admin, admin: true, queues: { desk: [rw] } }
- { kind: Field, name: said, type: multiline }
- { kind: Field, name: count, type: integer }
- { kind: TicketType, name: case, fields: [said, count], states: new }
- { kind: Handler, name: says, on: ticket.title_changed, do: [ { run: { program: says, with: { title: "= ticket.title", hard: true }, into: said } } ] }
- kind: Process
  name: counts
  starts: [ { by: agent, at: count } ]
  ticket: { type: case, queue: desk, state: new, priority: normal }
  activities:
    count: { do: [ { run: { program: counts, into: { count: n }, limit: PT1S }, retry: { times: 2, wait: 1m } } ], next: done }
    done: { end: counted }
"#;

/// A script that is written while another test forks is busy for a moment: one test at a time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

struct Tools {
    folder: Folder,
    programs: Programs,
}

impl Tools {
    fn new(name: &str) -> Self {
        Self { folder: Folder::new(&format!("{name}-tools")), programs: Programs::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    /// A program that definitions know under this name.
    fn with(mut self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("it can be run");
        self.programs.add(name, &path).expect("a program");
        self
    }
}

async fn run(w: &World, tools: &Tools) -> usize {
    run_due(&w.desk, &Arc::new(tools.programs.clone())).await.expect("a run")
}

async fn incident(w: &World, number: &str) -> String {
    let stored = w.stored(number).await;
    stored.incidents.iter().map(|i| i.message.clone()).collect::<Vec<_>>().join("; ")
}

async fn sound(w: &World) {
    assert_eq!(audit::verify(&*w.desk.store).await.expect("a report").findings, Vec::<String>::new());
}

async fn counting(w: &World) -> String {
    let start = Command::StartProcess(StartProcess { process: "counts".into(), form: Form::default() });
    w.execute(None, start).await.ticket.number.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_json_and_nothing_of_our_surroundings() {
    let _alone = ALONE.lock().await;
    let w = world("program-says", SITE).await;
    let tools = Tools::new("program-says").with("says", "cat; echo; env | sort | cut -d= -f1 | tr '\\n' ' '; pwd; echo $VORGANG_CALL");
    let number = w.ticket("One").await;
    w.patch(&number, &[("title", json!("Two; rm -rf $HOME"))]).await;
    assert_eq!(run(&w, &tools).await, 1);
    let stored = w.stored(&number).await;
    let said: Vec<String> = stored.ticket.fields["said"].as_str().expect("a text").lines().map(str::to_owned).collect();
    let call = said[2].clone();
    let given: serde_json::Value = serde_json::from_str(&said[0]).expect("JSON");
    assert_eq!(given, json!({"call": call, "ticket": number, "with": {"title": "Two; rm -rf $HOME", "hard": true}}));
    assert_eq!(said[1], "LANG PATH PWD VORGANG_CALL VORGANG_TICKET /");
    assert!(stored.calls.is_empty());
    assert_eq!(run(&w, &tools).await, 0, "once");
    sound(&w).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_is_tried_again_and_then_an_incident_that_can_be_retried() {
    let _alone = ALONE.lock().await;
    let w = world("program-fails", SITE).await;
    let tools = Tools::new("program-fails");
    let mark = tools.path("mark");
    let text =
        format!("echo x >> {m}; [ -e {m}.good ] && echo '{{\"n\": 7}}' && exit 0; echo 'no such host' >&2; exit 3", m = mark.display());
    let tools = tools.with("counts", &text);
    let number = counting(&w).await;
    let tries = || std::fs::read_to_string(&mark).unwrap_or_default().lines().count();
    for (wait, runs, tried) in [(0, 1, 1), (59, 0, 1), (1, 1, 2), (119, 0, 2), (1, 1, 3), (3_600, 0, 3)] {
        w.advance(SignedDuration::from_secs(wait));
        assert_eq!((run(&w, &tools).await, tries()), (runs, tried), "after {wait} s more");
    }
    let stored = w.stored(&number).await;
    assert_eq!(stored.incidents[0].message, "`counts`: exit status: 3: no such host");
    assert_eq!(stored.open_work().next().map(|i| i.status), Some(WorkStatus::Failed));
    std::fs::write(mark.with_extension("good"), "").expect("a mark");
    w.execute(Some(&number), Command::RetryIncident(RetryIncident { incident: stored.incidents[0].seq })).await;
    assert_eq!(run(&w, &tools).await, 1);
    let stored = w.stored(&number).await;
    assert_eq!((stored.ticket.fields["count"].clone(), stored.open_work().count()), (json!(7), 0));
    sound(&w).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_hangs_or_floods_is_ended_with_all_that_it_started() {
    let _alone = ALONE.lock().await;
    let tools = Tools::new("program-wild");
    let (alive, flood) = (tools.path("alive"), "yes 0123456789");
    let once = SITE.replace(", retry: { times: 2, wait: 1m }", "");
    let hang = format!("(sleep 30; echo still here > {}) & sleep 30", alive.display());
    for (name, text, why) in [
        ("hangs", hang.as_str(), "`counts`: no end after 1 s"),
        ("floods", flood, "`counts`: it wrote more than 65536 bytes"),
        ("raves", "yes 0123456789 >&2", "`counts`: no end after 1 s"),
        ("says-nothing", "exit 0", "`counts`: it wrote no JSON: EOF while parsing a value at line 1 column 0"),
        ("says-too-little", "echo '{}'", "`counts`: it wrote no `n`"),
        ("says-nonsense", "echo '{\"n\": [1]}'", "`counts`: `count`: expected a whole number"),
        ("says-bytes", "printf '\\377'", "`counts`: it wrote no UTF-8"),
    ] {
        let w = world(&format!("program-{name}"), &once).await;
        let tools = Tools::new(&format!("program-{name}")).with("counts", text);
        let number = counting(&w).await;
        run(&w, &tools).await;
        assert_eq!(incident(&w, &number).await, why, "{name}");
        sound(&w).await;
    }
    let processes = std::fs::read_dir("/proc").expect("processes").flatten();
    let command = |e: std::fs::DirEntry| std::fs::read_to_string(e.path().join("cmdline")).unwrap_or_default();
    let left = processes.map(command).filter(|c| c.contains(&alive.display().to_string())).count();
    assert_eq!(left, 0, "what it started is gone");
}

/// The database is away for so many commands.
struct Away(AtomicU32);

#[async_trait::async_trait]
impl Points for Away {
    async fn at(&self, point: &'static str) -> Result<(), StoreError> {
        let left = |n: u32| n.checked_sub(1);
        match point == "asked" && self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok() {
            true => Err(StoreError::Unavailable("the test says so".into())),
            false => Ok(()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_written_is_told_again_and_the_program_runs_once() {
    let _alone = ALONE.lock().await;
    let mut w = world("program-untold", SITE).await;
    let away = Arc::new(Away(AtomicU32::new(0)));
    w.desk = Arc::new(Arc::into_inner(w.desk).expect("nobody else has it").with_points(away.clone()));
    let tools = Tools::new("program-untold");
    let mark = tools.path("mark");
    let tools = tools.with("counts", &format!("echo x >> {}; echo '{{\"n\": 7}}'", mark.display()));
    let number = counting(&w).await;
    away.0.store(2, Ordering::Relaxed);
    assert_eq!(run(&w, &tools).await, 1);
    assert_eq!(w.stored(&number).await.ticket.fields["count"], json!(7));
    assert_eq!(std::fs::read_to_string(&mark).expect("it ran").lines().count(), 1);
    assert_eq!(run(&w, &tools).await, 0, "nothing is left");
    sound(&w).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_nobody_names_is_an_incident_at_once() {
    let _alone = ALONE.lock().await;
    let w = world("program-none", SITE).await;
    let number = counting(&w).await;
    assert_eq!(run(&w, &Tools::new("program-none")).await, 1);
    assert_eq!(incident(&w, &number).await, "`counts`: the server's configuration names no such program");
    sound(&w).await;
}

#[test]
fn only_programs_that_nobody_else_writes_to_are_taken() {
    let _alone = ALONE.blocking_lock();
    let tools = Tools::new("program-add").with("good", "exit 0");
    let mut programs = Programs::default();
    let mut refused = |name: &str, path: PathBuf| programs.add(name, &path).expect_err("refused");
    assert!(refused("a", "good".into()).contains("needs an absolute path"));
    assert!(refused("a", tools.path("none")).contains("No such file"));
    assert!(refused("a", tools.folder.0.clone()).contains("cannot be run"));
    std::fs::set_permissions(tools.path("good"), PermissionsExt::from_mode(0o757)).expect("rights");
    assert!(refused("a", tools.path("good")).contains("anybody may write"));
}

/// A link in a folder that others write to can be exchanged: the file that it named when the server started is run.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_exchanged_later_runs_nothing_else() {
    let _alone = ALONE.lock().await;
    let w = world("program-link", SITE).await;
    let mut tools = Tools::new("program-link");
    let (good, evil, open) = (tools.path("good"), tools.path("evil"), tools.path("open"));
    std::fs::create_dir(&open).expect("a folder");
    std::fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).expect("rights");
    for (path, text) in [(&good, "echo 1"), (&evil, "echo 666")] {
        std::fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("a script");
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("rights");
    }
    let link = open.join("says");
    std::os::unix::fs::symlink(&good, &link).expect("a link");
    tools.programs.add("says", &link).expect("a program");
    std::fs::remove_file(&link).expect("gone");
    std::os::unix::fs::symlink(&evil, &link).expect("another link");
    let number = w.ticket("One").await;
    w.patch(&number, &[("title", json!("Two"))]).await;
    assert_eq!(run(&w, &tools).await, 1);
    assert_eq!(w.stored(&number).await.ticket.fields["said"].as_str().map(str::trim), Some("1"));
}
