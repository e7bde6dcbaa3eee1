//! The recorder: the events and changes of every commit that the sites' tests and random nets make, as one digest a test.
//! A change of the engine's structure leaves all of them as they are; a digest that differs is a change of behaviour, and the
//! commit that rewrites it says which one.
//!
//! `UPDATE_EXPECT=1` rewrites the digests. `VORGANG_RECORD=FOLDER` writes the records themselves, a file each, to be compared.
//! `VORGANG_LONG=1` plays all nets; otherwise the first five hundred are played.

#[path = "oracle/given.rs"]
mod given;
#[allow(dead_code, reason = "the oracle uses the rest")]
#[path = "oracle/net.rs"]
mod net;

use jiff::SignedDuration;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vorgang_core::chain::hex;
use vorgang_core::changes::Changes;
use vorgang_core::commands::{AddArticle, ArticleInput, Command, FireTimer, Form, ReceiveMessage, StartProcess, SubmitDialog};
use vorgang_core::decision::Decision;
use vorgang_core::snapshot::Snapshot;
use vorgang_core::story::play_observed;
use vorgang_definitions::model::Model;
use vorgang_definitions::site::{load, read_folder};

/// Nets of a long run, of every run, and of one digest.
const NETS: u64 = 10_000;
const NETS_SHORT: u64 = 500;
const NETS_IN_ONE: u64 = 500;
/// Commands that are given to one net.
const COMMANDS: usize = 24;
/// Open work at which a walk ends: a net whose tokens pile up is known by then.
const WORK_MAX: usize = 40;

/// A line for each event, and one for the changes; decisions within it follow.
fn write(record: &mut String, decision: &Decision) {
    let json = |value: serde_json::Result<String>| value.expect("events and changes are JSON");
    _ = writeln!(record, "# {} {}", decision.after.ticket.number, decision.after.version);
    for event in &decision.events {
        record.push_str(&json(serde_json::to_string(event)));
        record.push('\n');
    }
    record.push_str(&json(serde_json::to_string(&Changes::from_decision(decision))));
    record.push('\n');
    decision.made.iter().for_each(|made| write(record, made));
}

/// The digest of a record; the record itself goes to the folder that the environment names.
fn digest(name: &str, record: &str) -> String {
    if let Some(folder) = std::env::var_os("VORGANG_RECORD").map(PathBuf::from) {
        std::fs::create_dir_all(&folder).expect("the folder of the records");
        std::fs::write(folder.join(name.replace(['/', ' '], "_")), record).expect("the record is written");
    }
    hex(&Sha256::digest(record.as_bytes())[..8])
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The sites that have tests of their own, in a fixed order.
fn sites() -> Vec<String> {
    let inside = |folder: &str| {
        let entries = std::fs::read_dir(root().join(folder)).expect("a folder of sites");
        let name = |e: std::io::Result<std::fs::DirEntry>| e.expect("a site").file_name().into_string().expect("a name");
        entries.map(name).map(|name| format!("{folder}/{name}")).collect::<Vec<_>>()
    };
    let mut sites: Vec<String> = ["examples", "examples/patterns", "tests/sites"].into_iter().flat_map(inside).collect();
    sites.retain(|s| s != "examples/patterns" && root().join(s).is_dir());
    sites.sort();
    sites
}

fn compare(name: &str, said: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorder").join(name);
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        // A short run knows only the first nets: the other digests stay.
        let kept = expected.lines().skip(said.lines().count()).filter(|_| name == "nets.txt").map(|line| format!("{line}\n"));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder of digests");
        std::fs::write(&path, said.to_owned() + &kept.collect::<String>()).expect("the digests are written");
        return;
    }
    let expected: String = expected.lines().take(said.lines().count().max(1)).map(|line| format!("{line}\n")).collect();
    assert!(said == expected, "what the engine does has changed; VORGANG_RECORD=FOLDER shows how:\n{}", differing(said, &expected));
}

fn differing(said: &str, expected: &str) -> String {
    let new = said.lines().filter(|line| !expected.lines().any(|l| l == *line)).map(|line| format!("now    {line}"));
    let old = expected.lines().filter(|line| !said.lines().any(|l| l == *line)).map(|line| format!("before {line}"));
    new.chain(old).take(20).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_tests_of_all_sites_commit_the_same() {
    let mut said = String::new();
    for site in sites() {
        let Some(model) = load(&read_folder(&root().join(&site)).expect("the site"), &[]).model else { continue };
        for test in model.tests.iter() {
            let (mut record, mut commits) = (String::new(), 0);
            play_observed(&model, test, &mut |decision| {
                commits += 1;
                write(&mut record, decision);
            });
            let name = format!("{site} {}", test.name);
            _ = writeln!(said, "{} {commits:3} {name}", digest(&name, &record));
        }
    }
    compare("stories.txt", &said);
}

#[test]
fn random_nets_commit_the_same() {
    let nets = if std::env::var_os("VORGANG_LONG").is_some() { NETS } else { NETS_SHORT };
    let folders: Vec<u64> = (0..nets / NETS_IN_ONE).collect();
    let lines: Vec<String> = std::thread::scope(|scope| {
        let played = |n: u64| {
            move || {
                let (mut record, mut commits) = (String::new(), 0);
                (n * NETS_IN_ONE..(n + 1) * NETS_IN_ONE).for_each(|seed| commits += walk(seed, &mut record));
                let name = format!("nets {}", n * NETS_IN_ONE);
                format!("{} {commits:6} {name}\n", digest(&name, &record))
            }
        };
        let mut lines = vec![];
        for pair in folders.chunks(std::thread::available_parallelism().map_or(2, usize::from)) {
            let running: Vec<_> = pair.iter().map(|n| scope.spawn(played(*n))).collect();
            lines.extend(running.into_iter().map(|r| r.join().expect("the nets are played")));
        }
        lines
    });
    compare("nets.txt", &lines.concat());
}

/// Gives one net random commands, and returns how many were committed.
fn walk(seed: u64, record: &mut String) -> usize {
    let Some(model) = given::model(seed) else { return 0 };
    let people = given::people();
    let mut random = net::Random(seed);
    let mut now = given::NOW;
    let mut commits = 0;
    let start = Command::StartProcess(StartProcess { process: "net".into(), form: Form::default() });
    let Some(begun) = given::decision(&model, &people, None, &start, now) else { return 0 };
    let mut snapshot = keep(record, &mut commits, begun);
    for _ in 0..COMMANDS {
        if snapshot.open_work().count() > WORK_MAX {
            break;
        }
        now += SignedDuration::from_mins(7);
        let choices = choices(&model, &snapshot);
        let command = &choices[random.below(choices.len())];
        if let Command::FireTimer(FireTimer { timer }) = command {
            now = snapshot.timers.iter().find(|t| t.seq == *timer).map_or(now, |t| now.max(t.due));
        }
        // The outcomes of conditions are random, too.
        let fields = &mut Arc::make_mut(&mut snapshot.ticket).fields;
        fields.insert("tape".into(), (random.next() >> 12).into());
        fields.insert("cur".into(), 0.into());
        fields.insert("log".into(), 1.into());
        if let Some(decision) = given::decision(&model, &people, Some(&snapshot), command, now) {
            snapshot = keep(record, &mut commits, decision);
        }
    }
    commits
}

fn keep(record: &mut String, commits: &mut usize, decision: Decision) -> Snapshot {
    *commits += 1;
    write(record, &decision);
    decision.after.compact()
}

/// Every command that can be given to this ticket, and one article.
fn choices(model: &Model, snapshot: &Snapshot) -> Vec<Command> {
    let article = ArticleInput { body: "Hello".into(), ..ArticleInput::default() };
    let mut commands = vec![Command::AddArticle(AddArticle { article })];
    for item in snapshot.open_work() {
        commands.extend(given::outcomes(model, snapshot, item).into_iter().map(|outcome| {
            let form = Form { outcome, ..Form::default() };
            Command::SubmitDialog(SubmitDialog { work: item.seq, form })
        }));
    }
    commands.extend(snapshot.timers.iter().filter(|t| t.stands.is_none()).map(|t| Command::FireTimer(FireTimer { timer: t.seq })));
    if !model.names.messages.is_empty() {
        let sent = snapshot.ticket.created;
        commands.push(Command::ReceiveMessage(ReceiveMessage { name: "m".into(), data: BTreeMap::new(), sent, hops: 0 }));
    }
    commands
}
