//! An hour at half load with a fault a minute: memory, descriptors and the log do not grow, and nothing is lost. The short form
//! runs through each fault once; `VORGANG_LONG=1` runs the hour, `VORGANG_SOAK` so many minutes.

mod common;

use common::crowd::Crowd;
use common::crowd::judge::judge;
use common::crowd::scene::Scene;
use common::{Folder, Server, request, run};
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use vorgang_testbed::cluster::{Cluster, programs};
use vorgang_testbed::{postgres, psql};

/// Longest time without anything acknowledged.
const WITHIN: Duration = Duration::from_secs(45);
/// The log of the database may grow up to here, in bytes: SQLite's up to its limit and what a reader holds back meanwhile,
/// PostgreSQL's up to its `max_wal_size`, which is 1 GB, and a checkpoint's time.
const SQLITE_LOG_MAX: u64 = 256 << 20;
const POSTGRES_LOG_MAX: u64 = 2 << 30;
/// Descriptors beside those at the beginning: callers come and go.
const DESCRIPTORS_MORE: usize = 40;
/// Minutes until a process has filled its pools and caches, among them 48 MB of database pages.
const WARM: u32 = 40;

struct Plan {
    minutes: u32,
    minute: Duration,
}

fn plan() -> Plan {
    let asked = std::env::var("VORGANG_SOAK").ok().and_then(|m| m.parse().ok());
    match (asked, std::env::var_os("VORGANG_LONG")) {
        (Some(minutes), _) => Plan { minutes, minute: Duration::from_mins(1) },
        (None, Some(_)) => Plan { minutes: 60, minute: Duration::from_mins(1) },
        (None, None) => Plan { minutes: 8, minute: Duration::from_secs(2) },
    }
}

/// What a process holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// KiB that are its own.
    memory: u64,
    descriptors: usize,
}

fn held(pid: u32) -> Held {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let own = status.lines().find_map(|l| l.strip_prefix("RssAnon:")).and_then(|l| l.split_whitespace().next()?.parse().ok());
    Held { memory: own.expect("its memory"), descriptors: fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors").count() }
}

/// Through the whole time: one process that no fault ends, and what the database's log takes.
struct Soak {
    crowd: Crowd,
    watched: u32,
    held: Vec<Held>,
    logs: Vec<u64>,
    recoveries: Vec<Duration>,
}

impl Soak {
    fn start(name: &str, servers: &[Server], scene: &Scene) -> Self {
        let crowd = Crowd::start(name, 8, servers.iter().map(|s| s.address.clone()).collect(), scene);
        // Half of what it does when nobody holds it back.
        let (begun, before) = (Instant::now(), crowd.acknowledged());
        crowd.go_on(2_000, Duration::from_mins(2));
        let full = (crowd.acknowledged() - before) as f64 / begun.elapsed().as_secs_f64();
        crowd.slow_down(full as u64 / 2);
        println!("{name}: {full:.0} operations a second, held to half of it");
        Self { crowd, watched: servers[0].child.id(), held: vec![], logs: vec![], recoveries: vec![] }
    }

    /// One minute: something breaks, work goes on, and what is held is noted at its end.
    fn minute(&mut self, plan: &Plan, fault: impl FnOnce(), log: impl Fn() -> u64) {
        let begun = Instant::now();
        fault();
        let broke = Instant::now();
        self.crowd.go_on(3, WITHIN);
        self.recoveries.push(broke.elapsed());
        std::thread::sleep(plan.minute.saturating_sub(begun.elapsed()));
        self.held.push(held(self.watched));
        self.logs.push(log());
        if plan.minutes > 8 {
            let (held, log) = (self.held[self.held.len() - 1], self.logs[self.logs.len() - 1]);
            println!(
                "{:3} {:7} KiB {:4} descriptors, log {:9}, {}",
                self.held.len(),
                held.memory,
                held.descriptors,
                log,
                self.crowd.acknowledged()
            );
        }
    }

    fn verdict(self, row: &str, log_max: u64, folder: &Folder, address: &str, scene: &Scene) {
        let verdict = judge(folder, address, scene, self.crowd.finish());
        verdict.tell(row, &self.recoveries);
        let log = self.logs.iter().max().copied().unwrap_or_default();
        assert!(log < log_max, "the log grew to {log} bytes: {:?}", self.logs);
        let (first, last) = (self.held[0], self.held[self.held.len() - 1]);
        assert!(last.descriptors < first.descriptors + DESCRIPTORS_MORE, "{:?}", self.held);
        let median = |part: &[Held]| {
            let mut memory: Vec<u64> = part.iter().map(|h| h.memory).collect();
            memory.sort_unstable();
            memory[memory.len() / 2]
        };
        if self.held.len() >= WARM as usize + 20 {
            let (warm, end) = (median(&self.held[WARM as usize..WARM as usize + 10]), median(&self.held[self.held.len() - 10..]));
            println!("memory: {warm} KiB after {WARM} minutes, {end} KiB at the end ({:+.1} %)", end as f64 / warm as f64 * 100.0 - 100.0);
            assert!(end * 100 < warm * 105, "memory grows: {:?}", self.held);
        } else {
            println!("memory: {} KiB, {} KiB at the end; too short to say whether it grows", first.memory, last.memory);
        }
        println!("descriptors: {} and {}; the log at most {log} bytes", first.descriptors, last.descriptors);
    }
}

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().is_ok_and(|s| s.success()));
}

/// Callers that say half of something, or nothing that makes sense, and stay for a while.
fn rude(address: &str) {
    let pieces: [&[u8]; 4] = [
        b"",
        b"POST /api/v1/tickets HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{",
        &[0x16, 3, 1, 2, 0, 1],
        b"GET / HTTP/9.9\r\n\r\n",
    ];
    let streams: Vec<TcpStream> = (0..100).filter_map(|_| TcpStream::connect(address).ok()).collect();
    for (stream, piece) in streams.iter().zip(pieces.iter().cycle()) {
        let _ = (&*stream).write_all(piece);
    }
    std::thread::sleep(Duration::from_millis(200));
}

/// Something that nobody may do, of every kind; each is refused.
fn wrong(address: &str, token: &str) {
    let auth = format!("Bearer {token}");
    let large = vec![b'x'; 11 << 20];
    let cases: [(&str, &str, &[u8]); 4] = [
        ("POST", "/api/v1/tickets", b"{"),
        ("PATCH", "/api/v1/tickets/nowhere", b"{}"),
        ("POST", "/api/v1/processes/none/start", b"{}"),
        ("POST", "/api/v1/tickets", &large),
    ];
    for (method, path, body) in cases {
        if let Some(answer) = request(address, method, path, &[("Authorization", &auth), ("Content-Type", "application/json")], body) {
            assert!((400..500).contains(&answer.status), "{method} {path}: {}", answer.status);
        }
    }
}

/// A definition that is none is refused, and one that is another is taken.
fn revise(folder: &Folder, turn: u32) {
    let site = folder.0.join("site");
    let crowd = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sites/crowd");
    assert!(Command::new("cp").arg("-rT").args([&crowd, &site]).status().is_ok_and(|s| s.success()));
    let broken = site.join("broken.yaml");
    fs::write(&broken, "- { kind: Queue, nme: x }\n").expect("a file");
    assert_ne!(run(&folder.0, &["apply", &site.display().to_string()]).0, 0);
    fs::write(&broken, format!("- {{ kind: Queue, name: soak, title: Turn {turn} }}\n")).expect("a file");
    let (code, out, err) = run(&folder.0, &["apply", &site.display().to_string()]);
    assert_eq!(code, 0, "{out}{err}");
}

fn back_up(folder: &Folder) {
    let file = folder.0.join("soak.backup");
    let _ = fs::remove_file(&file);
    let (code, out, err) = run(&folder.0, &["backup", &file.display().to_string()]);
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn one_node_on_sqlite() {
    if postgres().is_some() {
        return eprintln!("SKIPPED: this is about SQLite");
    }
    let (plan, folder) = (plan(), Folder::new("soak"));
    let scene = Scene::of_one_node(&folder);
    let server = Server::start(&folder.0, &[]);
    let mut soak = Soak::start("soak", std::slice::from_ref(&server), &scene);
    let log = || fs::metadata(folder.0.join("test.db-wal")).map_or(0, |m| m.len());
    for turn in 0..plan.minutes {
        let (folder, pid, address) = (&folder, server.child.id(), server.address.clone());
        let fault: Box<dyn FnOnce()> = match turn % 8 {
            0 => Box::new(move || rude(&address)),
            1 => Box::new(move || {
                signal(pid, "-STOP");
                std::thread::sleep(Duration::from_secs(1));
                signal(pid, "-CONT");
            }),
            2 => Box::new(|| wrong(&address, &scene.agent)),
            3 => Box::new(move || revise(folder, turn)),
            4 => Box::new(|| back_up(folder)),
            5 => Box::new(|| {
                // Somebody reads, and the log cannot be written back for as long.
                let reader = rusqlite::Connection::open(folder.0.join("test.db")).expect("the database");
                reader.execute_batch("BEGIN; SELECT count(*) FROM ticket;").expect("a read");
                std::thread::sleep(plan.minute / 6);
            }),
            6 => Box::new(|| {
                // Somebody else writes, and holds the lock.
                let writer = rusqlite::Connection::open(folder.0.join("test.db")).expect("the database");
                writer.busy_timeout(Duration::from_secs(10)).expect("it waits");
                writer.execute_batch("BEGIN IMMEDIATE;").expect("the lock");
                std::thread::sleep(Duration::from_millis(700));
            }),
            _ => Box::new(|| {
                let (code, out, err) = run(&folder.0, &["doctor"]);
                assert!(code <= 1, "{out}{err}");
            }),
        };
        soak.minute(&plan, fault, log);
    }
    soak.verdict("soak of one node on SQLite", SQLITE_LOG_MAX, &folder, &server.address, &scene);
}

#[test]
fn two_nodes_on_postgresql() {
    if postgres().is_none() || programs().is_none() {
        return eprintln!("SKIPPED: this is about PostgreSQL");
    }
    let plan = plan();
    let mut cluster = Cluster::start(true, false);
    psql(&format!("{}/postgres", cluster.primary.server()), "CREATE DATABASE desk");
    let folder = Folder::at("soak", &cluster.url("desk"));
    let scene = Scene::set(&folder);
    let mut nodes = vec![Server::start(&folder.0, &[]), Server::start(&folder.0, &[])];
    let mut soak = Soak::start("soak-nodes", &nodes, &scene);
    let direct = format!("{}/desk", cluster.primary.server());
    let log = || psql(&direct, "SELECT coalesce(sum(size), 0)::bigint FROM pg_ls_waldir()").parse().expect("bytes");
    for turn in 0..plan.minutes {
        let address = nodes[0].address.clone();
        let mut restarted = None;
        let fault: Box<dyn FnOnce()> = match turn % 8 {
            0 => Box::new(move || rude(&address)),
            1 => Box::new(|| {
                nodes[1].child.kill().expect("it is killed");
                restarted = Some(Server::start(&folder.0, &[]));
            }),
            2 => Box::new(|| wrong(&address, &scene.agent)),
            3 => Box::new(|| revise(&folder, turn)),
            4 => Box::new(|| back_up(&folder)),
            5 => Box::new(|| {
                let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'vorgang'";
                psql(&direct, end);
            }),
            6 => Box::new(|| {
                cluster.primary.crash();
                cluster.primary.start();
            }),
            _ => Box::new(|| {
                signal(nodes[1].child.id(), "-STOP");
                std::thread::sleep(Duration::from_secs(1));
                signal(nodes[1].child.id(), "-CONT");
            }),
        };
        soak.minute(&plan, fault, log);
        if let Some(node) = restarted {
            nodes[1] = node;
            soak.crowd.moved(nodes.iter().map(|n| n.address.clone()).collect());
        }
    }
    let address = nodes[0].address.clone();
    soak.verdict("soak of two nodes on PostgreSQL", POSTGRES_LOG_MAX, &folder, &address, &scene);
}
